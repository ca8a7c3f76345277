package main

import (
	"context"
)

// The rows' names.
const (
	rowPool    = "bare pool"
	rowDefault = "bare, default transport"
	rowAnswer  = "bare handler, 200 alone"
)

// proxies are the processes that the tables are about, each on one processor, and
// who is signed in there.
type proxies struct {
	pool, plain, answer *process
	memory, unvouched   *gate // stores; unvouched has no assertion
	cookies, forward    *gate
	stored              *gate  // nil without redis-server
	redis               *redis // likewise
	peers               []peer
	absent              []string // what is not installed
}

func (w *world) proxies(ctx context.Context) (*proxies, error) {
	s := &proxies{}
	var err error
	if s.pool, err = w.bare(ctx, rowPool, barePool, 1); err != nil {
		return nil, err
	}
	if s.plain, err = w.bare(ctx, rowDefault, bareDefault, 1); err != nil {
		return nil, err
	}
	if s.answer, err = w.bare(ctx, rowAnswer, bareAnswer, 1); err != nil {
		return nil, err
	}
	for _, g := range []struct {
		to   **gate
		name string
		env  []string
	}{
		{&s.memory, "Sallyport, memory", nil},
		{&s.unvouched, "Sallyport, memory, no assertion", []string{"SALLYPORT_PASS_ASSERTION=false"}},
		{&s.cookies, "Sallyport, cookie", []string{"SALLYPORT_SESSION_STORE=cookie"}},
		{&s.forward, "Sallyport, forward-auth", []string{"SALLYPORT_FORWARD_AUTH=on", "SALLYPORT_TRUSTED_PROXIES=127.0.0.0/8"}},
	} {
		if *g.to, err = w.gate(ctx, g.name, 1, g.env...); err != nil {
			return nil, err
		}
	}
	if err := s.startStored(ctx, w); err != nil {
		return nil, err
	}
	return s, s.startPeers(ctx, w)
}

// startStored starts Sallyport with its sessions in Redis, if there is one.
func (s *proxies) startStored(ctx context.Context, w *world) (err error) {
	if _, err := findServer(redisBinary); err != nil {
		s.absent = append(s.absent, redisBinary)
		return nil
	}
	if s.redis, err = w.startRedis(ctx); err != nil {
		return err
	}
	s.stored, err = w.gate(ctx, "Sallyport, Redis", 1, "SALLYPORT_SESSION_STORE=redis", "SALLYPORT_REDIS_URL=redis://"+s.redis.addr)
	return err
}

// signedIn are the rows of somebody who is signed in and gets size bytes of the
// app. All requests but the cookie store's are of the same bytes.
func (s *proxies) signedIn(a *app, size int) []*row {
	body := a.body(size)
	ask := func(host, cookie string) []byte { return get(host, path(size), "*/*", cookie) }
	bare := func(p *process) *row {
		return &row{name: p.name, on: []*process{p}, request: ask(p.addr, s.memory.cookie), want: fromApp(body, "", false)}
	}
	gated := func(g *gate, vouched bool) *row {
		return &row{name: g.name, on: []*process{g.process}, request: ask(g.addr, g.cookie), want: fromApp(body, g.email, vouched)}
	}
	rows := []*row{bare(s.pool), bare(s.plain), gated(s.memory, true)}
	if s.stored != nil {
		stored := gated(s.stored, true)
		stored.redis = s.redis
		rows = append(rows, stored)
	}
	rows = append(rows, gated(s.cookies, true))
	for _, p := range s.peers {
		host, cookie := p.on[0].addr, s.memory.cookie
		if p.host != "" {
			host = p.host
		}
		if p.cookie != "" {
			cookie = p.cookie
		}
		rows = append(rows, &row{name: p.name, on: p.on, request: ask(host, cookie), want: fromApp(body, p.identity, p.vouched), redis: p.redis})
	}
	return rows
}

// others are the rows of answers that are not the app's, and of Sallyport without
// its assertion, which differs from that with one by less than the machine's noise
// and so is best measured beside it.
func (s *proxies) others(a *app, size int) []*row {
	m, u, f := s.memory, s.unvouched, s.forward
	question := func(host string) []byte {
		return get(host, "/oauth2/auth", "*/*", f.cookie, "X-Original-Method: GET", "X-Original-URL: http://"+f.addr+path(size))
	}
	const html, script = "text/html,application/xhtml+xml,*/*;q=0.8", "application/json"
	return []*row{
		{name: u.name, by: m.name, on: []*process{u.process}, request: get(u.addr, path(size), "*/*", u.cookie), want: fromApp(a.body(size), u.email, false)},
		{name: rowAnswer, on: []*process{s.answer}, request: question(f.addr), want: emptyOK()},
		{name: "forward-auth, signed in", by: rowAnswer, on: []*process{f.process}, request: question(f.addr), want: asked(f.email)},
		{name: "no session, 302 to the provider", on: []*process{m.process}, request: get(m.addr, path(size), html, ""), want: toSignIn(m.issuer)},
		{name: "no session, 401 for a script", on: []*process{m.process}, request: get(m.addr, path(size), script, ""), want: refused()},
	}
}
