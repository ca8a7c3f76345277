package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

const (
	fileMode = 0o600
	// lockWait is how long New waits for a predecessor that is about to exit.
	lockWait = 500 * time.Millisecond
)

// open opens the file and explains what prevents it.
func open(path string) (*bbolt.DB, error) {
	if path == "" {
		return nil, errors.New("opening session file: SALLYPORT_SESSION_FILE is empty; it must name a file")
	}
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, fileMode, &bbolt.Options{
			Timeout:      lockWait,
			FreelistType: bbolt.FreelistMapType,
			NoStatistics: true,
		})
		return err
	})
	if err == nil {
		err = complete(db)
	}
	switch {
	case err == nil:
		return db, nil
	case db != nil:
		err = errors.Join(err, db.Close())
	}
	// After a panic bbolt holds on to the file until the process ends.
	return nil, fmt.Errorf("opening session file %q: %w", path, remedy(err))
}

// complete refuses a file that was cut off: its missing pages would be faults
// of the mapped memory later on.
func complete(db *bbolt.DB) error {
	info, err := os.Stat(db.Path())
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d bytes and should have %d", errCutOff, info.Size(), tx.Size())
		}
		return nil
	})
}

var errCutOff = errors.New("the file was cut off")

// remedy says what to do about an error of opening.
func remedy(err error) error {
	const name = "SALLYPORT_SESSION_FILE"
	switch {
	case errors.Is(err, bbolt.ErrTimeout):
		return fmt.Errorf("%w: give each process a file of its own in %s, or let replicas share SALLYPORT_SESSION_STORE=redis", ErrInUse, name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s must name a file that this process may read and write, in a directory it may write", err, name)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the directory of %s must exist", err, name)
	case errors.Is(err, bbolt.ErrInvalid), errors.Is(err, bbolt.ErrChecksum), errors.Is(err, bbolt.ErrVersionMismatch),
		errors.Is(err, errCutOff), errors.Is(err, errPanic), errors.Is(err, errForeign):
		return fmt.Errorf("%w: this is no session file, or it is damaged; move it away or change %s (a new file signs everybody out)", err, name)
	}
	return fmt.Errorf("%w: %s must name a file on a local disk with room", err, name)
}

var errForeign = errors.New("the file belongs to another program")

// prepare makes the buckets and counts what is there.
func (s *Store) prepare() error {
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			if first, _ := tx.Cursor().First(); first != nil && tx.Bucket([]byte(recordsBucket)) == nil {
				return errForeign
			}
			for _, name := range buckets() {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			s.count.Store(int64(tables(tx).records.Stats().KeyN))
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("opening session file %q: %w", s.path, remedy(err))
	}
	return nil
}

var errPanic = errors.New("the file makes no sense")

// guard turns bbolt's panics over damaged pages, and the faults of a mapped file
// that was cut off, into errors.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return f()
}
