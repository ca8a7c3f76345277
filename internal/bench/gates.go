package main

import (
	"context"
)

// gates are Sallyport in its modes, each on the proxies' processor.
type gates struct {
	memory, cookies *gate // stores
	forward         *gate
	stored          *gate  // in Redis; nil without redis-server
	redis           *redis // likewise
}

// gates starts all of them, with further variables.
func (w *world) gates(ctx context.Context, env ...string) (*gates, error) {
	g := &gates{}
	modes := []struct {
		to   **gate
		name string
		env  []string
	}{
		{&g.memory, "Sallyport, memory", nil},
		{&g.cookies, "Sallyport, cookie", []string{"SALLYPORT_SESSION_STORE=cookie"}},
		{&g.forward, "Sallyport, forward-auth", []string{"SALLYPORT_TRUSTED_PROXIES=127.0.0.0/8"}},
	}
	if _, err := findServer(redisBinary); err == nil {
		if g.redis, err = w.startRedis(ctx); err != nil {
			return nil, err
		}
		modes = append(modes, modes[0])
		last := &modes[len(modes)-1]
		last.to, last.name = &g.stored, "Sallyport, Redis"
		last.env = []string{"SALLYPORT_SESSION_STORE=redis", "SALLYPORT_REDIS_URL=redis://" + g.redis.addr}
	}
	for _, m := range modes {
		var err error
		if *m.to, err = w.gate(ctx, m.name, 1, append(m.env, env...)...); err != nil {
			return nil, err
		}
	}
	if g.stored != nil {
		g.stored.redis = g.redis
	}
	return g, nil
}

// What browsers and scripts accept.
const (
	acceptsPages  = "text/html,application/xhtml+xml,*/*;q=0.8"
	acceptsData   = "application/json"
	acceptsAll    = "*/*"
	forwardedPath = "/oauth2/auth"
)

// signedIn is the row of somebody who is signed in and gets size bytes of the app.
func (g *gate) signedIn(a *app, size int) *row {
	return &row{
		name: g.name, on: []*process{g.process}, redis: g.redis,
		request: get(g.addr, path(size), acceptsAll, g.cookie), want: fromApp(a.body(size), g.email, g.vouches),
	}
}

// asked is the row of another proxy's question about such a request.
func (g *gate) asked(size int) *row {
	return &row{
		name: "forward-auth, signed in", by: rowAnswer, on: []*process{g.process}, want: asked(g.email),
		request: get(g.addr, forwardedPath, acceptsAll, g.cookie, "X-Original-Method: GET", "X-Original-URL: http://"+g.addr+path(size)),
	}
}

// unknown is the row of a browser without a session.
func (g *gate) unknown(size int) *row {
	return &row{
		name: "no session, 302 to the provider", on: []*process{g.process},
		request: get(g.addr, path(size), acceptsPages, ""), want: toSignIn(g.issuer),
	}
}

// refused is the row of a script without a session.
func (g *gate) refused(size int) *row {
	return &row{
		name: "no session, 401 for a script", on: []*process{g.process},
		request: get(g.addr, path(size), acceptsData, ""), want: refused(),
	}
}
