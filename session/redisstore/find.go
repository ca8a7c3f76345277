package redisstore

import (
	"context"
	"slices"
	"sync"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

// Find implements session.Indexer. Of the records it reads no more than their
// headers, in batches, so it does not see whether the rest is damaged.
func (s *Store) Find(ctx context.Context, t session.Tag) ([]session.Found, error) {
	marks, err := s.marks(ctx, t)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	batches, err := s.batches(ctx, marks)
	if err != nil {
		return nil, err
	}
	heads := make([][]string, len(batches))
	err = inParallel(len(batches), func(i int) (err error) {
		heads[i], err = s.heads(ctx, batches[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	var (
		found []session.Found
		gone  []session.Handle
		now   = s.now()
	)
	for i, batch := range batches {
		for j, h := range batch {
			m := marks[h]
			r, ok := decodeHeader([]byte(heads[i][j]))
			switch {
			case ok && now.Before(r.ExpiresAt):
				found = append(found, session.Found{Handle: h, Note: m.note, LastSeen: r.LastSeen, ExpiresAt: r.ExpiresAt})
			case heads[i][j] == "" && now.Sub(m.made) > leftOver:
				gone = append(gone, h)
			}
		}
	}
	for some := range slices.Chunk(gone, page) {
		s.unmark(ctx, t, some)
	}
	return found, nil
}

// batches divides records into what is asked in one round trip: by server, as far
// as their breakers tell them apart, and by number.
func (s *Store) batches(ctx context.Context, marks map[session.Handle]marked) ([][]session.Handle, error) {
	c, err := s.link.current(ctx)
	if err != nil {
		return nil, err
	}
	var parts [breakers][]session.Handle
	for h := range marks {
		p := part(c, recordKey(h))
		parts[p] = append(parts[p], h)
	}
	var batches [][]session.Handle
	for _, p := range parts {
		batches = slices.AppendSeq(batches, slices.Chunk(p, page))
	}
	return batches, nil
}

// heads reads the headers of records; "" stands for one that is absent.
func (s *Store) heads(ctx context.Context, batch []session.Handle) ([]string, error) {
	return ask(ctx, s.link, recordKey(batch[0]), func(ctx context.Context, c rueidis.Client) ([]string, error) {
		cmds := make(rueidis.Commands, len(batch))
		for i, h := range batch {
			cmds[i] = c.B().Getrange().Key(recordKey(h)).Start(0).End(headerSize - 1).Build().Pin()
		}
		heads := make([]string, len(batch))
		for i, answer := range c.DoMulti(ctx, cmds...) {
			var err error
			if heads[i], err = answer.ToString(); err != nil {
				return nil, err
			}
		}
		return heads, nil
	})
}

// inParallel calls f for 0 to n-1, some at a time, and returns one of its errors.
func inParallel(n int, f func(i int) error) error {
	const some = 8
	var (
		wg   sync.WaitGroup
		turn = make(chan struct{}, some)
		errs = make([]error, n)
	)
	for i := range n {
		turn <- struct{}{}
		wg.Go(func() {
			errs[i] = f(i)
			<-turn
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
