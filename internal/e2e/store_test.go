package e2e

import (
	"path/filepath"
	"slices"
	"testing"
)

// A restart, also with a new key in front of the old one, signs nobody out.
func TestSessionsSurviveARestart(t *testing.T) {
	stores := map[string]func(t *testing.T) []string{
		"file": func(t *testing.T) []string {
			return []string{"SALLYPORT_SESSION_STORE=file", "SALLYPORT_SESSION_FILE=" + filepath.Join(t.TempDir(), "sessions.db")}
		},
		"redis": func(t *testing.T) []string {
			return []string{"SALLYPORT_SESSION_STORE=redis", "SALLYPORT_REDIS_URL=redis://" + startRedis(t)}
		},
		"cookie": func(*testing.T) []string { return []string{"SALLYPORT_SESSION_STORE=cookie"} },
	}
	for name, env := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := planWorld(t)
			w.startProvider()
			key, store := keygen(t), env(t)
			w.startSallyport(append(store, "SALLYPORT_SECRET="+key)...)
			w.awaitReady()
			b := newBrowser(t)
			w.signIn(b, "/", "ada")
			for _, secret := range []string{key, keygen(t) + "," + key} {
				if code := w.sallyport.stop(); code != 0 {
					t.Fatalf("exit code %d", code)
				}
				w.startSallyport(append(store, "SALLYPORT_SECRET="+secret)...)
				w.awaitReady()
				if got := b.fetch("GET", w.public+"/api"); got.status != 200 || !slices.Equal(got.received().values("X-Forwarded-User"), []string{"ada"}) {
					t.Errorf("after the restart: %d %s", got.status, got.body)
				}
			}
		})
	}
}
