package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
)

// ErrNoIndex says that the store finds no sessions but that of the request:
// Manager.Finds is false.
var ErrNoIndex = errors.New("the session store cannot find somebody's sessions; SALLYPORT_SESSION_STORE must be memory, file or redis")

// Listed is one of somebody's sessions, as a list shows it: what was known when it
// began, and its times.
type Listed struct {
	Handle    Handle
	IdP       string
	Subject   string
	User      string
	Email     string
	Name      string
	UserAgent string // what the browser said that it is; printable ASCII, at most 256 bytes, may be ""
	Address   string // where the sign-in came from; may be ""
	CreatedAt time.Time
	LastSeen  time.Time // as coarse as Session.LastSeen
	ExpiresAt time.Time // by the earlier of the absolute and the idle limit
	Current   bool      // it is that of the request
}

// Finds reports whether sessions can be found that are not the request's own: the
// store is an Indexer. Without it, what needs it is not offered.
func (m *Manager) Finds() bool {
	_, ok := m.store.store.(Indexer)
	return ok
}

// Own returns the request's session, counting as no use of it, and all sessions of
// the same person at the same provider, newest first. The error is a
// *NoSessionError, a *StoreError, or ErrNoIndex.
func (m *Manager) Own(r *http.Request) (*Session, []Listed, error) {
	s, err := m.Peek(r)
	if err != nil {
		return nil, nil, err
	}
	list, err := m.listed(r.Context(), bySubject(s.Identity.Issuer, s.Identity.Subject))
	for i := range list {
		list[i].Current = list[i].Handle == s.Handle
	}
	return s, list, err
}

// OfUser returns the sessions of whoever is called that: the subject, the user
// name or the e-mail address of their sign-in, in any case of letters; newest
// first. The error is a *StoreError or ErrNoIndex.
func (m *Manager) OfUser(ctx context.Context, user string) ([]Listed, error) {
	found, err := m.locate(ctx, byUser(user))
	if err != nil {
		return nil, err
	}
	of := make(map[Handle]bool, len(found))
	people := make(map[facet]bool)
	for _, l := range found {
		of[l.Handle] = true
		people[bySubject(l.note.Issuer, l.note.Subject)] = true
	}
	var list []Listed
	for person := range people {
		theirs, err := m.listed(ctx, person)
		if err != nil {
			return nil, err
		}
		list = append(list, slices.DeleteFunc(theirs, func(l Listed) bool { return !of[l.Handle] })...)
	}
	newestFirst(list)
	return list, nil
}

// listed returns the sessions of a person.
func (m *Manager) listed(ctx context.Context, person facet) ([]Listed, error) {
	found, err := m.locate(ctx, person)
	if err != nil {
		return nil, err
	}
	list := make([]Listed, 0, len(found))
	for _, l := range found {
		list = append(list, Listed{
			Handle: l.Handle, IdP: l.note.IdP, Subject: l.note.Subject, User: l.note.User, Email: l.note.Email, Name: l.note.Name,
			UserAgent: l.note.UserAgent, Address: l.note.Address,
			CreatedAt: l.note.CreatedAt, LastSeen: l.LastSeen, ExpiresAt: l.ExpiresAt,
		})
	}
	newestFirst(list)
	return list, nil
}

func newestFirst(list []Listed) {
	slices.SortFunc(list, func(a, b Listed) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), slices.Compare(a.Handle[:], b.Handle[:]))
	})
}

// located is a record with its note opened.
type located struct {
	Found
	note note
}

// locate finds the records of a facet, under whichever key of the ring they were
// marked.
func (m *Manager) locate(ctx context.Context, of facet) ([]located, error) {
	if !m.Finds() {
		return nil, ErrNoIndex
	}
	var list []located
	for _, f := range m.keys.current.Load().finders {
		found, err := m.store.find(ctx, f.tag(of))
		if err != nil {
			return nil, err
		}
		for _, rec := range found {
			list = append(list, located{Found: rec, note: m.openNote(ctx, f, of, rec)})
		}
	}
	return list, nil
}

// openNote returns the zero note when there is none, or none of ours: the record
// is found all the same.
func (m *Manager) openNote(ctx context.Context, f finder, of facet, rec Found) (n note) {
	if len(rec.Note) == 0 {
		return note{}
	}
	text, err := f.openNote(of, rec.Handle, rec.Note)
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		m.logger.ErrorContext(ctx, "the note of a session cannot be opened; it is listed without", "session", rec.Handle, "error", err)
		return note{}
	}
	return n
}
