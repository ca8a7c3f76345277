package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// An older app is told of somebody by percent-encoded headers and by Basic, in one run
// with the variables that an operator sets; the password is read again when it changes.
func TestOlderApp(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(password, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first: ä")
	w := newWorld(t, "SALLYPORT_HEADER_ENCODING=percent", "SALLYPORT_HEADERS=X-Full-Name=name",
		"SALLYPORT_PASS_AUTHORIZATION=basic", "SALLYPORT_BASIC_USER=name", "SALLYPORT_BASIC_PASSWORD_FILE="+password)
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("Zoë:"+password))
	}

	b := newBrowser(t)
	got := w.signIn(b, "/", "zoe").received()
	for name, want := range map[string]string{
		"X-Forwarded-Preferred-Username": "Zo%C3%AB",
		"X-Forwarded-Groups":             "R&D%2C Europe,50%25",
		"X-Full-Name":                    "Zo%C3%AB%2C Ltd. 50%25",
		"Authorization":                  basic("first: ä"),
	} {
		if values := got.values(name); !slices.Equal(values, []string{want}) {
			t.Errorf("%s is %q, want %q once", name, values, want)
		}
	}

	write("second")
	w.await("the app to be sent the new password", func() bool {
		return slices.Equal(b.open(w.public+"/").received().values("Authorization"), []string{basic("second")})
	})
}
