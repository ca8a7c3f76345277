package pages

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var sessionsAt = time.Date(2026, 11, 25, 14, 30, 0, 0, time.UTC)

func oneSession() OwnSessions {
	return OwnSessions{
		Sessions: []OwnSession{{
			ID: "mV4cPqQ2Ff0sT7o1r9xJd3uK8yLh5aWbE6nGzXvCiRk", Current: true, Device: "Firefox on Windows", Address: "203.0.113.9",
			CreatedAt: sessionsAt.Add(-3 * time.Hour), LastSeen: sessionsAt.Add(-time.Minute), ExpiresAt: sessionsAt.Add(time.Hour),
		}},
		LogoutURL: "/oauth2/logout", RevokeURL: "/oauth2/sessions/revoke", Who: "ada@example.com", Now: sessionsAt,
	}
}

func threeSessions() OwnSessions {
	l := oneSession()
	l.Sessions = append(l.Sessions,
		OwnSession{
			ID: "Zt1uB8eYq0WfHk3pXn6sJv9cLm2dRaGo5iTxEw7yQzU", Device: "Safari on iPhone", Handheld: true, Address: "2001:db8::7",
			CreatedAt: sessionsAt.Add(-26 * time.Hour), LastSeen: sessionsAt.Add(-5 * time.Minute), ExpiresAt: sessionsAt.Add(time.Hour),
		},
		OwnSession{
			ID: "Qa7wSx5eDc3rFv1tGb9yHn8uJm6iKo4lPz2XcVbNmLk", Device: "Unknown device",
			CreatedAt: sessionsAt.Add(-75 * time.Hour), LastSeen: sessionsAt.Add(-61 * time.Minute), ExpiresAt: sessionsAt.Add(time.Hour),
		})
	l.More = 2
	return l
}

// Every button says to a screen reader which session it ends, and begins with the
// words that are seen (WCAG 2.2 §2.4.6, §2.5.3).
func TestSessionsButtonsAreTold(t *testing.T) {
	body := read(t, show(http.MethodGet, browserAccept, everyPage(newRenderer(t))["sessions"]))
	var labels []string
	for _, b := range elements(t, body, "button") {
		label := attribute(b, "aria-label")
		if label == "" {
			label = b.FirstChild.Data
		}
		if !strings.HasPrefix(label, b.FirstChild.Data) {
			t.Errorf("the button %q is called %q", b.FirstChild.Data, label)
		}
		labels = append(labels, label)
	}
	want := []string{
		"Sign out here, Firefox on Windows", "Sign out Safari on iPhone, signed in 1 day ago", "Sign out Unknown device, signed in 3 days ago",
		"Sign out everywhere else",
	}
	if !slices.Equal(labels, want) {
		t.Errorf("buttons %q, want %q", labels, want)
	}
}

func TestSessionsAlone(t *testing.T) {
	body := read(t, show(http.MethodGet, browserAccept, everyPage(newRenderer(t))["sessions-alone"]))
	if strings.Contains(body, "everywhere else") || strings.Contains(body, "revoke") {
		t.Errorf("the only session is offered the end of others:\n%s", body)
	}
}

func TestSessionsAsJSON(t *testing.T) {
	res := show(http.MethodGet, "application/json", everyPage(newRenderer(t))["sessions"])
	var got struct {
		Sessions  []map[string]any
		More      int
		LogoutURL string `json:"logout_url"`
	}
	if err := json.Unmarshal([]byte(read(t, res)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Sessions) != 3 || got.More != 2 || got.LogoutURL != "/oauth2/logout" || got.Sessions[0]["current"] != true ||
		got.Sessions[1]["device"] != "Safari on iPhone" || got.Sessions[1]["address"] != "2001:db8::7" || got.Sessions[1]["last_seen"] != "2026-11-25T14:25:00Z" {
		t.Errorf("got %+v", got)
	}
	none := read(t, show(http.MethodGet, "", func(w http.ResponseWriter, r *http.Request) {
		newRenderer(t).Sessions(w, r, OwnSessions{})
	}))
	if !strings.Contains(none, `"sessions":[]`) {
		t.Errorf("no sessions are %s", none)
	}
}

func TestAgo(t *testing.T) {
	v := &sessionsView{OwnSessions: OwnSessions{Now: sessionsAt}}
	for passed, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", 119 * time.Second: "just now",
		2 * time.Minute: "2 minutes ago", 59 * time.Minute: "59 minutes ago",
		time.Hour: "1 hour ago", 119 * time.Minute: "1 hour ago", 23 * time.Hour: "23 hours ago",
		24 * time.Hour: "1 day ago", 720 * time.Hour: "30 days ago",
	} {
		if got := v.Ago(sessionsAt.Add(-passed)); got != want {
			t.Errorf("Ago(-%v) = %q, want %q", passed, got, want)
		}
	}
}

func TestLongNameIsCut(t *testing.T) {
	body := read(t, show(http.MethodGet, browserAccept, func(w http.ResponseWriter, r *http.Request) {
		newRenderer(t).Sessions(w, r, OwnSessions{Who: strings.Repeat("é", 1000)})
	}))
	if want := strings.Repeat("é", maxWho) + "…</b>"; !strings.Contains(body, want) || strings.Contains(body, want[:len(want)-len("…</b>")]+"é") {
		t.Errorf("the name is not cut after %d runes", maxWho)
	}
}
