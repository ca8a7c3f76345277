package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy"
	"github.com/sallyport/sallyport/session"
)

// secretPoll is how often secret files are looked at. Kubernetes replaces them
// within a minute or so of a change; 10 s add little to that and cost nothing.
const secretPoll = 10 * time.Second

// secretWatch reads secret files again and hands changed contents on.
type secretWatch struct {
	files  map[string]string             // path by variable
	apply  map[string]func(string) error // what to do with a new value, by variable
	logger *slog.Logger
	last   map[string]string // last value by variable
}

// run looks every secretPoll until ctx ends.
func (w *secretWatch) run(ctx context.Context) {
	if len(w.files) == 0 {
		return
	}
	ticker := time.NewTicker(secretPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look()
		}
	}
}

// look reads every file once. What cannot be read or used leaves the secret
// before in force, and is tried again at the next look.
func (w *secretWatch) look() {
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		value, err := readSecretFile(w.files[name])
		if err == nil && value == w.last[name] {
			continue
		}
		if err == nil {
			err = w.apply[name](value)
		}
		if err != nil {
			w.logger.Error("a secret file changed and cannot be used; the secret before stays in force",
				"variable", name+fileSuffix, "file", w.files[name], "error", err)
			continue
		}
		w.last[name] = value
		w.logger.Info("secret read again", "variable", name+fileSuffix, "file", w.files[name])
	}
}

// liveSecrets are those that may change while the process runs.
type liveSecrets struct {
	adminToken, basicPassword atomic.Pointer[secret.Text]
	providers                 []*liveClient // one for each of settings.providers
}

// liveClient are the secrets by which we authenticate at one provider.
type liveClient struct{ current, previous atomic.Pointer[secret.Text] }

func newLiveSecrets(s *settings) *liveSecrets {
	live := new(liveSecrets)
	live.adminToken.Store(&s.Session.APIToken)
	live.basicPassword.Store(&s.Headers.BasicPassword)
	for _, p := range s.providers {
		client := new(liveClient)
		client.current.Store(&p.OIDC.ClientSecret)
		client.previous.Store(&p.OIDC.PreviousSecret)
		live.providers = append(live.providers, client)
	}
	return live
}

func (c *liveClient) secret() secret.Text         { return *c.current.Load() }
func (c *liveClient) previousSecret() secret.Text { return *c.previous.Load() }

func (l *liveSecrets) basic() secret.Text { return *l.basicPassword.Load() }

// storeIn replaces a secret by what its file holds now.
func storeIn(p *atomic.Pointer[secret.Text]) func(string) error {
	return func(value string) error {
		text := secret.New(value)
		p.Store(&text)
		return nil
	}
}

// newSecretWatch exchanges secrets whose files change.
func newSecretWatch(s *settings, keys *session.KeyRing, live *liveSecrets, logger *slog.Logger) *secretWatch {
	w := &secretWatch{
		files: make(map[string]string), logger: logger,
		last: map[string]string{
			"SALLYPORT_SECRET": s.Session.Secret.Reveal(),
			adminTokenName:     s.Session.APIToken.Reveal(),
			basicPasswordName:  s.Headers.BasicPassword.Reveal(),
		},
		apply: map[string]func(string) error{
			"SALLYPORT_SECRET": func(value string) error {
				parsed, err := session.ParseKeys(value)
				if err != nil {
					return err
				}
				return keys.Set(parsed)
			},
			adminTokenName: func(value string) error {
				if problem, remedy := judgeAdminToken(value); problem != "" {
					return errors.New(problem + "; " + remedy)
				}
				return storeIn(&live.adminToken)(value)
			},
			basicPasswordName: func(value string) error {
				if err := proxy.CheckBasicPassword(value); err != nil {
					return fmt.Errorf("it %w; %s", err, basicPasswordRemedy)
				}
				return storeIn(&live.basicPassword)(value)
			},
		},
	}
	for i, p := range s.providers {
		current, previous := p.Names.of(clientSecretVariable), p.Names.of(previousSecretVariable)
		w.last[current], w.apply[current] = p.OIDC.ClientSecret.Reveal(), storeIn(&live.providers[i].current)
		w.last[previous], w.apply[previous] = p.OIDC.PreviousSecret.Reveal(), storeIn(&live.providers[i].previous)
	}
	for name, path := range s.SecretFiles {
		if w.apply[name] != nil { // others are read at the start only
			w.files[name] = path
		}
	}
	return w
}
