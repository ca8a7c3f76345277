package redisstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/sallyport/sallyport/session"
)

// ErrCorrupt: what Redis has under a session's key is damaged or belongs to
// another key. The session gets this error, which means "could not answer",
// until the value is deleted or expires.
var ErrCorrupt = errors.New("the value in redis is damaged or belongs to another key")

// A value is a header and the sealed session:
//
//	0      format, 1
//	1–8    version, big endian
//	9–16   expiry, Unix milliseconds, rounded down
//	17–24  last seen, Unix seconds
//	25–28  CRC-32C of the handle, the header before it, and the sealed session
//	29–    the sealed session
//
// The scripts read the first 17 bytes. The checksum is there for accidents; it
// is the seal that withstands somebody who writes to Redis.
const (
	format     = 1
	sumOffset  = 25
	headerSize = sumOffset + 4
)

// encode returns the header and, when whole, what follows it.
func encode(h session.Handle, r session.Record, whole bool) []byte {
	size := headerSize
	if whole {
		size += len(r.Sealed)
	}
	b := make([]byte, 0, size)
	b = append(b, format)
	b = append(b, versionBytes(r.Version)...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.ExpiresAt.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.LastSeen.Unix()))
	b = binary.BigEndian.AppendUint32(b, checksum(h, b, r.Sealed))
	if whole {
		b = append(b, r.Sealed...)
	}
	return b
}

// decode is the reverse; Sealed is a part of b.
func decode(h session.Handle, b []byte) (session.Record, error) {
	r, ok := decodeHeader(b)
	r.Sealed = b[min(headerSize, len(b)):len(b):len(b)]
	if !ok || binary.BigEndian.Uint32(b[sumOffset:]) != checksum(h, b[:sumOffset], r.Sealed) {
		return session.Record{}, fmt.Errorf("%w (%d bytes)", ErrCorrupt, len(b))
	}
	return r, nil
}

// decodeHeader reads what is before the sealed session, and does not see whether it
// is damaged: ok says that it has the form of one.
func decodeHeader(b []byte) (r session.Record, ok bool) {
	if len(b) < headerSize || b[0] != format {
		return session.Record{}, false
	}
	return session.Record{
		Version:   binary.BigEndian.Uint64(b[1:]),
		ExpiresAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b[9:]))).UTC(),
		LastSeen:  time.Unix(int64(binary.BigEndian.Uint64(b[17:])), 0).UTC(),
	}, true
}

func versionBytes(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func checksum(h session.Handle, header, sealed []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the package keeps one
	sum := crc32.Update(0, table, h[:])
	sum = crc32.Update(sum, table, header)
	return crc32.Update(sum, table, sealed)
}

const (
	keyPrefix  = "sallyport:{" // what is in braces decides the slot of a cluster
	keySuffix  = "}"
	lockSuffix = ":lock"
)

func recordKey(h session.Handle) string { return keyPrefix + h.String() + keySuffix }

func lockKey(h session.Handle) string { return recordKey(h) + lockSuffix }

// parseKey is the reverse of recordKey; ok is false for any other key.
func parseKey(key string) (h session.Handle, ok bool) {
	const affixes = len(keyPrefix) + len(keySuffix)
	if len(key) < affixes || key[:len(keyPrefix)] != keyPrefix || key[len(key)-1:] != keySuffix {
		return session.Handle{}, false
	}
	h, err := session.ParseHandle(key[len(keyPrefix) : len(key)-1])
	return h, err == nil
}
