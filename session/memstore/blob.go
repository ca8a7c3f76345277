package memstore

import (
	"encoding/binary"
	"iter"

	"github.com/sallyport/sallyport/session"
)

// The parts of a blob; numbers are little-endian. Doc.go shows the whole.
const (
	blobSlot   = 4            // after the size, 4 bytes
	blobHandle = blobSlot + 4 // 4 bytes
	blobSealed = blobHandle + len(session.Handle{})

	markLink = len(session.Tag{}) // after the tag
	markSize = markLink + 4       // 4 bytes: how long the note is
	markNote = markSize + 4
)

// blob is what a record has in a page: it never changes there.
type blob []byte

// blobAt cuts a blob from what begins with it.
func blobAt(b []byte) blob { return b[:binary.LittleEndian.Uint32(b)] }

func (b blob) slot() uint32 { return binary.LittleEndian.Uint32(b[blobSlot:]) }

func (b blob) handle() session.Handle { return session.Handle(b[blobHandle:blobSealed]) }

// begin writes the fixed part and returns what follows it.
func (b blob) begin(slot uint32, h session.Handle) []byte {
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint32(b[blobSlot:], slot)
	copy(b[blobHandle:], h[:])
	return b[blobSealed:]
}

// sizeOfMarks is how long all of them are in a blob.
func sizeOfMarks(marks []session.Mark) (size int) {
	for _, m := range marks {
		size += markNote + len(m.Note)
	}
	return size
}

// putMark writes a mark and returns what follows it.
func putMark(b []byte, m session.Mark, link uint32) []byte {
	copy(b, m.Tag[:])
	binary.LittleEndian.PutUint32(b[markLink:], link)
	binary.LittleEndian.PutUint32(b[markSize:], uint32(len(m.Note)))
	return b[markNote+copy(b[markNote:], m.Note):]
}

// marked is the part of a blob that holds its marks.
type marked []byte

// each yields the marks, with their links. The notes are pieces of the blob.
func (b marked) each() iter.Seq2[session.Mark, uint32] {
	return func(yield func(session.Mark, uint32) bool) {
		for rest := b; len(rest) > 0; {
			end := markNote + int(binary.LittleEndian.Uint32(rest[markSize:]))
			m := session.Mark{Tag: session.Tag(rest[:markLink]), Note: rest[markNote:end:end]}
			if !yield(m, binary.LittleEndian.Uint32(rest[markLink:])) {
				return
			}
			rest = rest[end:]
		}
	}
}
