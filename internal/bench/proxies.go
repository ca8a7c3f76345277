package main

import (
	"context"
)

// The bare rows' names.
const (
	rowPool    = "bare pool"
	rowDefault = "bare, default transport"
	rowAnswer  = "bare handler, 200 alone"
	rowFields  = "bare handler, 200 with the fields of forward-auth"
)

// proxies are the processes that the tables are about, each on one processor, and
// who is signed in there.
type proxies struct {
	*gates
	pool, plain    *process
	answer, fields *process
	peers          []peer
	absent         []string // what is not installed
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
	if s.fields, err = w.bare(ctx, rowFields, bareFields, 1); err != nil {
		return nil, err
	}
	if s.gates, err = w.gates(ctx); err != nil {
		return nil, err
	}
	if s.redis == nil {
		s.absent = append(s.absent, redisBinary)
	}
	return s, s.startPeers(ctx, w)
}

// signedIn are the rows of somebody who is signed in and gets size bytes of the app.
// All requests are alike and of one length, but for the cookies of the cookie store and
// of peers that know their own people.
func (s *proxies) signedIn(a *app, size int) []*row {
	bare := func(p *process) *row {
		return &row{
			name: p.name, on: []*process{p}, want: fromApp(a.body(size), "", false),
			request: get(p.addr, path(size), acceptsAll, s.memory.cookie),
		}
	}
	rows := []*row{bare(s.plain), bare(s.pool), s.memory.signedIn(a, size)}
	if s.stored != nil {
		rows = append(rows, s.stored.signedIn(a, size))
	}
	rows = append(rows, s.cookies.signedIn(a, size))
	for _, p := range s.peers {
		rows = append(rows, p.row(a, size, s.memory.cookie))
	}
	return rows
}

// others are the rows of answers that are not the app's.
func (s *proxies) others(size int) []*row {
	question := s.forward.asked(size)
	return []*row{
		{name: rowAnswer, on: []*process{s.answer}, request: question.request, want: emptyOK()},
		{name: rowFields, by: rowAnswer, on: []*process{s.fields}, request: question.request, want: emptyOK()},
		question, s.memory.unknown(size), s.memory.refused(size),
	}
}
