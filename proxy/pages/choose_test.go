package pages

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func twoOptions() Choice {
	return Choice{
		Action:  "/oauth2/login",
		Options: []Option{{ID: "staff", Title: "Staff"}, {ID: "partner", Title: "Partners & suppliers"}},
		Kept:    url.Values{"rd": {"/reports?a=1&b=2"}},
	}
}

func lastOption() Choice {
	c := twoOptions()
	c.Last, c.ByEmail = true, true
	return c
}

func unknownAddress() Choice {
	c := lastOption()
	c.LoginHint, c.Email = "bob@elsewhere.example", "bob@elsewhere.example"
	return c
}

// focused returns the elements that have the focus when the page opens.
func focused(t *testing.T, body string) (found []*html.Node) {
	t.Helper()
	for _, n := range elements(t, body, "") {
		for _, a := range n.Attr {
			if a.Key == "autofocus" {
				found = append(found, n)
			}
		}
	}
	return found
}

// Enter repeats the last choice; where there is none nothing is chosen by accident, and
// an address that nobody is known for can be mended at once.
func TestFocusOfTheChoice(t *testing.T) {
	p := newRenderer(t)
	for name, tt := range map[string]struct {
		choice Choice
		want   string // element and its value; "" = none
	}{
		"first time": {twoOptions(), ""},
		"last":       {lastOption(), "button staff"},
		"unknown":    {unknownAddress(), "input bob@elsewhere.example"},
	} {
		body := read(t, show(http.MethodGet, browserAccept, func(w http.ResponseWriter, r *http.Request) { p.ChooseProvider(w, r, tt.choice) }))
		got := ""
		for _, n := range focused(t, body) {
			got += n.Data + " " + attribute(n, "value")
		}
		if got != tt.want {
			t.Errorf("%s: the focus is on %q, want %q", name, got, tt.want)
		}
	}
}

// Each form asks for the same page afterwards; the one for an address has no hint
// beside it.
func TestFormsOfTheChoice(t *testing.T) {
	p := newRenderer(t)
	body := read(t, show(http.MethodGet, browserAccept, func(w http.ResponseWriter, r *http.Request) { p.ChooseProvider(w, r, unknownAddress()) }))
	var got [][]string
	for _, f := range elements(t, body, "form") {
		if attribute(f, "method") != "get" || attribute(f, "action") != "/oauth2/login" {
			t.Errorf("a form of %+v", f.Attr)
		}
		var fields []string
		for n := range f.Descendants() {
			if n.Type == html.ElementNode && attribute(n, "name") != "" {
				fields = append(fields, attribute(n, "name")+"="+attribute(n, "value"))
			}
		}
		got = append(got, fields)
	}
	want := [][]string{
		{"rd=/reports?a=1&b=2", "login_hint=bob@elsewhere.example", "idp=staff", "idp=partner"},
		{"rd=/reports?a=1&b=2", "login_hint=bob@elsewhere.example"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestChoiceForPrograms(t *testing.T) {
	p := newRenderer(t)
	res := show(http.MethodGet, "application/json", func(w http.ResponseWriter, r *http.Request) { p.ChooseProvider(w, r, unknownAddress()) })
	var got map[string]any
	if err := json.Unmarshal([]byte(read(t, res)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"code": "choose_provider", "title": "Choose how to sign in", "detail": "Which account do you want to use with app.example.com?",
		"request_id": "4QXN7SGZ3MHVJX5LQ2C6TB7RAA",
		"providers": []any{
			map[string]any{"id": "staff", "title": "Staff", "login_url": "/oauth2/login?idp=staff&login_hint=bob%40elsewhere.example&rd=%2Freports%3Fa%3D1%26b%3D2"},
			map[string]any{"id": "partner", "title": "Partners & suppliers", "login_url": "/oauth2/login?idp=partner&login_hint=bob%40elsewhere.example&rd=%2Freports%3Fa%3D1%26b%3D2"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if unknownAddress().Kept.Encode() != "rd=%2Freports%3Fa%3D1%26b%3D2" {
		t.Error("the caller's parameters have changed")
	}
}
