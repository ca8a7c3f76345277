package session

import "context"

// noStore has nothing and keeps nothing.
type noStore struct{}

func (noStore) Create(context.Context, Handle, Record) error  { return nil }
func (noStore) Get(context.Context, Handle) (Record, error)   { return Record{}, ErrNotFound }
func (noStore) Replace(context.Context, Handle, Record) error { return ErrNotFound }
func (noStore) Delete(context.Context, Handle) error          { return nil }
