package oidcrp

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

func TestUrgency(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		left time.Duration
		want Urgency
		says string
	}{
		{30*day + time.Second, Distant, "expires at 2026-03-31T00:00:01Z"},
		{30 * day, InAMonth, "expires in 30 days and 0 hours, at 2026-03-31T00:00:00Z"},
		{7*day + time.Second, InAMonth, "in 7 days"},
		{7 * day, InAWeek, "in 7 days"},
		{day + time.Hour, InAWeek, "in 1 days and 1 hours"},
		{day, InADay, "in 1 days and 0 hours"},
		{time.Hour, InADay, "in 0 days and 1 hours"},
		{0, Expired, "NOBODY can sign in"},
		{-400 * day, Expired, "expired at 2025-01-25T00:00:00Z"},
	} {
		e := Expiry{At: now.Add(tt.left), Variable: "SALLYPORT_OIDC_CLIENT_SECRET"}
		if got := e.Urgency(now); got != tt.want || !strings.Contains(e.Sentence(now), tt.says) {
			t.Errorf("%s left: urgency %d, %q; want %d, %q", tt.left, got, e.Sentence(now), tt.want, tt.says)
		}
	}
	if e := (Expiry{}); e.Urgency(now) != Distant || e.Sentence(now) != "" {
		t.Errorf("an end that is not known: %d, %q", e.Urgency(now), e.Sentence(now))
	}
}

// What ends is the secret, or the certificate of the key that is used.
func TestExpiryOf(t *testing.T) {
	at, ends := time.Unix(2e9, 0), time.Unix(3e9, 0)
	key := newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()["ES256"])), Certificate: certificateOf(t, signingKeys()["ES256"], ends)})
	bare := newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()["ES256"]))})
	for _, tt := range []struct {
		auth ClientAuth
		key  *ClientKey
		want time.Time
	}{
		{ClientSecretBasic, nil, at}, {ClientSecretBasicRaw, nil, at}, {ClientSecretPost, key, at},
		{PrivateKeyJWT, key, ends}, {PrivateKeyJWT, bare, time.Time{}}, {TLSClientAuth, key, ends}, {ClientAuthNone, nil, time.Time{}},
	} {
		if got := ExpiryOf(tt.auth, at, tt.key).At; !got.Equal(tt.want) {
			t.Errorf("%s: %s, want %s", tt.auth, got, tt.want)
		}
	}
}

// P25: each warning comes once and in time, and after the end one a day.
func TestWatchExpiry(t *testing.T) {
	cfg := goodConfig(t)
	cfg.Registerer = nil
	log := &logBuffer{}
	cfg.Logger = slog.New(slog.NewJSONHandler(log, nil))
	synctest.Test(t, func(t *testing.T) {
		cfg.Now, cfg.SecretExpires = time.Now, time.Now().Add(40*day)
		c, err := New(cfg)
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		go c.WatchExpiry(ctx)
		for _, tt := range []struct {
			after time.Duration
			lines int
		}{{9 * day, 0}, {day, 1}, {22 * day, 1}, {day, 2}, {5 * day, 2}, {day, 3}, {23 * time.Hour, 3}, {time.Hour, 4}, {23 * time.Hour, 4}, {time.Hour, 5}, {2 * day, 7}} {
			time.Sleep(tt.after)
			synctest.Wait()
			if got := strings.Count(log.String(), "SALLYPORT_OIDC_CLIENT_SECRET exp"); got != tt.lines {
				t.Errorf("%s before the end: %d lines, want %d:\n%s", time.Until(cfg.SecretExpires), got, tt.lines, log)
			}
		}
		if got := testutil.ToFloat64(c.metrics.expiry.WithLabelValues(cfg.ID)); int64(got) != cfg.SecretExpires.Unix() {
			t.Errorf("the metric is %v, want %d", got, cfg.SecretExpires.Unix())
		}
		stop()
		synctest.Wait()
	})
}

// P25: who is refused after the date learns from the log that it has passed.
func TestExpiredSecretIsNamed(t *testing.T) {
	h := newHostile(t)
	h.token = says(401, "application/json", `{"error":"invalid_client","error_description":"AADSTS7000222: keys are expired"}`)
	w := newWorld(t, h, func(c *Config) { c.SecretExpires = time.Now().Add(-day) })
	w.wantFault(w.signIn("/"), fault.ClientRejected)
	if log := w.log.String(); !strings.Contains(log, "SALLYPORT_OIDC_CLIENT_SECRET expired at") || !strings.Contains(log, "NOBODY") {
		t.Errorf("log:\n%s", log)
	}
}
