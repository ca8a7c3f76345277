package redisstore

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	tests := []struct {
		in   string
		want target
	}{
		{"redis://localhost", target{hosts: []string{"localhost:6379"}}},
		{" redis://localhost/\n", target{hosts: []string{"localhost:6379"}}},
		{"redis://10.0.0.1:7000/3", target{hosts: []string{"10.0.0.1:7000"}, db: 3}},
		{"redis://[::1]:7000", target{hosts: []string{"[::1]:7000"}}},
		{"redis://[::1]", target{hosts: []string{"[::1]:6379"}}},
		{"redis://:secret@h", target{hosts: []string{"h:6379"}, password: "secret"}},
		{"redis://u:s%40c%3A%2F%3f%25@h", target{hosts: []string{"h:6379"}, username: "u", password: "s@c:/?%"}},
		{"redis://u:a@b:c@h", target{hosts: []string{"h:6379"}, username: "u", password: "a@b:c"}},
		{"rediss://h", target{hosts: []string{"h:6379"}, tls: true}},
		{"rediss://h?ca_file=/etc/ca.pem", target{hosts: []string{"h:6379"}, tls: true, caFile: "/etc/ca.pem"}},
		{"redis://a,b:7000,[::2]", target{hosts: []string{"a:6379", "b:7000", "[::2]:6379"}}},
		{"redis://u:p@a,b/0", target{hosts: []string{"a:6379", "b:6379"}, username: "u", password: "p"}},
		{"redis://a,b:7000/2?master=m", target{hosts: []string{"a:26379", "b:7000"}, db: 2, master: "m"}},
		{"rediss://u:p@a?master=m&sentinel_user=su&sentinel_password=s%26p", target{
			hosts: []string{"a:26379"}, username: "u", password: "p", tls: true,
			master: "m", sentinelUsername: "su", sentinelPassword: "s&p",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			u, err := ParseURL(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			got := *u.at
			got.scheme = ""
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(target{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"empty", "", "redis://"},
		{"no scheme", "localhost:6379", "redis://"},
		{"another scheme", "http://topsecret@h", "redis://"},
		{"no host", "redis://", "host is missing"},
		{"no host after the password", "redis://:topsecret@", "host is missing"},
		{"one of the hosts empty", "redis://a,,b", "host is missing"},
		{"a comma at the end", "redis://a,", "host is missing"},
		{"port too large", "redis://a:65536", "65536"},
		{"port 0", "redis://a:0", "port 0"},
		{"port is text", "redis://:topsecret@a:x", "malformed"},
		{"an address without brackets", "redis://::1", "malformed"},
		{"space in host", "redis://a b", "malformed"},
		{"a slash in the password", "redis://u:top/secret@a", ""},
		{"a question mark in the password", "redis://u:top?secret@a", ""},
		{"a bad escape", "redis://u:topsecret%zz@a", "percent-encoded"},
		{"a user alone", "redis://topsecret@a", "without a password"},
		{"database is text", "redis://a/topsecret", "number of a database"},
		{"two databases", "redis://a/0/1", "number of a database"},
		{"negative database", "redis://a/-1", "number of a database"},
		{"cluster with a database", "redis://a,b/1", "database"},
		{"unknown parameter", "redis://a?sentinel=topsecret", "may be master"},
		{"parameter twice", "redis://a?master=x&master=y", "once"},
		{"parameter without a value", "redis://a?master=", "value"},
		{"malformed query", "redis://a?master=%zz", "malformed"},
		{"Sentinel's password without Sentinel", "redis://a?sentinel_password=topsecret", "master"},
		{"ca_file without TLS", "redis://a?ca_file=/x", "rediss"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := ParseURL(tt.in)
			if err == nil {
				t.Fatalf("it was taken for %v", u)
			}
			for _, part := range []string{"SALLYPORT_REDIS_URL", tt.want} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in the error %q", err)
			}
		})
	}
}

// However a URL or a Config is printed, the passwords are not.
func TestURLPrintsNoPassword(t *testing.T) {
	u, err := ParseURL("rediss://user:topsecret@a,b/2?master=m&sentinel_user=su&sentinel_password=topsecret2")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"u": u, "c": struct{ URL URL }{u}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "u", u)
	hidden := struct{ url URL }{u}
	outputs := []string{
		string(text), log.String(), u.String(), u.GoString(), fmt.Sprint(hidden),
		fmt.Sprintf("%v %+v %#v %s %q", u, u, u, u, u),
		fmt.Sprintf("%v %+v %#v", Config{URL: u}, Config{URL: u}, Config{URL: u}),
		fmt.Sprintf("%v %+v %#v", hidden, hidden, &hidden),
	}
	for _, out := range outputs {
		if strings.Contains(out, "topsecret") {
			t.Errorf("the password is in %s", out)
		}
	}
	if want := "rediss://a:26379,b:26379/2?master=m"; u.String() != want {
		t.Errorf("String = %q, want %q", u.String(), want)
	}
}

func TestBadConfig(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	parse := func(text string) URL {
		u, err := ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for name, tt := range map[string]struct {
		cfg  Config
		want string
	}{
		"no URL":            {Config{}, "SALLYPORT_REDIS_URL"},
		"long timeout":      {Config{URL: parse("redis://a"), Timeout: 1e10}, "at most a second"},
		"negative timeout":  {Config{URL: parse("redis://a"), Timeout: -1}, "above zero"},
		"negative cache":    {Config{URL: parse("redis://a"), CacheRecords: -1}, "above zero"},
		"ca_file is absent": {Config{URL: parse("rediss://a?ca_file=" + notPEM + "x")}, "ca_file of SALLYPORT_REDIS_URL"},
		"ca_file is no PEM": {Config{URL: parse("rediss://a?ca_file=" + notPEM)}, "ca_file of SALLYPORT_REDIS_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(tt.cfg)
			if err == nil {
				s.Close()
				t.Fatal("New = nil")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
}

// No text makes ParseURL panic or repeat the password, and what it accepts has a
// host and a port.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"redis://u:PASSWORD@a,b:7000/0?master=m", "rediss://[::1]?ca_file=x", "redis://u:%zz@h", "redis://a:b:c", "redis://@,@",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			if strings.Contains(text, "PASSWORD@") && strings.Contains(err.Error(), "PASSWORD") {
				t.Errorf("%q: the password is in %q", text, err)
			}
			return
		}
		if len(u.at.hosts) == 0 {
			t.Errorf("%q: no host", text)
		}
		for _, h := range u.at.hosts {
			if strings.HasPrefix(h, ":") || !strings.Contains(h, ":") || strings.ContainsAny(h, "/?#@ ,") {
				t.Errorf("%q: host %q", text, h)
			}
		}
	})
}
