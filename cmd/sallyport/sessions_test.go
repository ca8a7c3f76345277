package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/session"
)

func TestParseSessions(t *testing.T) {
	id, dashed := session.Handle{}.String(), session.Handle{0xf8}.String() // 0xf8 is "-A"
	if dashed[0] != '-' {
		t.Fatalf("%s does not begin with a dash", dashed)
	}
	for line, want := range map[string]sessionsCommand{
		"list alice":                         {verb: "list", user: "alice"},
		"list --user alice":                  {verb: "list", user: "alice"},
		"list alice --json":                  {verb: "list", user: "alice", json: true},
		"--json list -user=a=b":              {verb: "list", user: "a=b", json: true},
		"end " + id:                          {verb: "end", id: id},
		"end " + dashed:                      {verb: "end", id: dashed},
		"end --user " + dashed:               {verb: "end", user: dashed},
		"end --user alice":                   {verb: "end", user: "alice"},
		"end --admin-url http://a " + id:     {verb: "end", id: id, adminURL: "http://a"},
		"end --admin-url=https://a/b/ " + id: {verb: "end", id: id, adminURL: "https://a/b/"},
	} {
		got, problem := parseSessions(strings.Fields(line))
		if problem != "" || got != want {
			t.Errorf("%q: %+v %s", line, got, problem)
		}
	}
	for line, want := range map[string]string{
		"":                        sessionsUsage,
		"list":                    sessionsUsage,
		"end":                     sessionsUsage,
		"list alice bob":          sessionsUsage,
		"list alice --user bob":   sessionsUsage,
		"end --user alice " + id:  sessionsUsage,
		"end --user=":             sessionsUsage,
		"remove alice":            sessionsUsage + `, not "remove"`,
		"end alice":               `"alice" is no id of a session, as the list has it; to end all of a person: sessions end --user alice`,
		"list alice --all":        `unknown flag "--all"`,
		"list alice --json=false": `unknown flag "--json=false"`,
		"list --user":             "--user needs a value",
	} {
		if got, problem := parseSessions(strings.Fields(line)); problem != want {
			t.Errorf("%q: %+v %q, want %q", line, got, problem, want)
		}
	}
}

// OP-09: what a provider or a browser wrote does not move the cursor of a terminal.
func TestPrintSessions(t *testing.T) {
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	err := printSessions(&out, []listedSession{
		{ID: "id-1", Subject: "ada", Email: "ada@example.com", Device: "Firefox on Linux", Address: "203.0.113.9", CreatedAt: at, LastSeen: at.Add(time.Hour)},
		{ID: "id-2", Subject: "a\x1b[2Jb\nc\td\u202e", Device: "curl", CreatedAt: at, LastSeen: at.Add(3 * time.Hour)},
	}, at.Add(2*time.Hour))
	want := "" +
		"ID    SUB          E-MAIL           DEVICE            ADDRESS      STARTED            LAST SEEN\n" +
		"id-1  ada          ada@example.com  Firefox on Linux  203.0.113.9  2026-11-25 08:00Z  1h0m0s ago\n" +
		"id-2  a\ufffd[2Jb\ufffdc\ufffdd\ufffd  -                curl              -            2026-11-25 08:00Z  0s ago\n"
	if diff := cmp.Diff(want, out.String()); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A person signs in with two browsers; an administrator looks, ends one session and
// then all, and each use is in the audit log.
func TestSessionsCommand(t *testing.T) {
	const token = "SALLYPORT_ADMIN_TOKEN=" + adminCanary
	d := startDemo(t, token)
	first, second := newBrowser(t), newBrowser(t)
	first.signIn(d.public+"/", "ada")
	second.signIn(d.public+"/", "ada")
	command := func(want int, environ string, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		args = append([]string{"sessions"}, args...)
		if code := run(context.Background(), append(args, "--admin-url", d.admin), []string{environ}, &stdout, &stderr); code != want {
			t.Errorf("%q exits with %d, want %d: %s", args, code, want, stderr.String())
		}
		if strings.Contains(stdout.String()+stderr.String(), "canary") {
			t.Errorf("%q prints a token:\n%s%s", args, stdout.String(), stderr.String())
		}
		return stdout.String() + stderr.String()
	}
	alive := func() int {
		n := 0
		for _, b := range []*browser{first, second} {
			if b.script(d.public+"/oauth2/session").status == 200 {
				n++
			}
		}
		return n
	}

	list := command(exitOK, token, "list", "ADA@example.com")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "ada@example.com") {
		t.Fatalf("the list is\n%s", list)
	}
	id, _, _ := strings.Cut(lines[1], " ")
	if got := command(exitOK, token, "end", id); got != "1 session(s) ended\n" || alive() != 1 {
		t.Errorf("%q, and %d live", got, alive())
	}
	if got := command(exitFailed, token, "end", id); !strings.Contains(got, "There is no such session") {
		t.Errorf("once more: %q", got)
	}
	if got := command(exitOK, token, "end", "--user", "ada", "--json"); got != "{\n  \"ended\": 1\n}\n" || alive() != 0 {
		t.Errorf("%q, and %d live", got, alive())
	}
	if got := command(exitOK, token, "list", "ada"); got != "no sessions\n" {
		t.Errorf("afterwards the list is %q", got)
	}
	if got := command(exitFailed, "SALLYPORT_ADMIN_TOKEN="+strings.Repeat("x", 40), "list", "ada"); !strings.Contains(got, "does not accept the token") {
		t.Errorf("with a wrong token: %q", got)
	}
	log := d.stderr.String()
	for action, want := range map[string]int{"list_sessions": 3, "end_session": 2, "end_sessions": 1} {
		if got := strings.Count(log, `"action":"`+action+`"`); got != want {
			t.Errorf("%d lines of %s in the audit log, want %d:\n%s", got, action, want, log)
		}
	}
	if strings.Contains(log, "canary") {
		t.Errorf("the token is in the log:\n%s", log)
	}
}
