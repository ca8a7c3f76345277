package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// The fields of a profile.proto, and its wire types, that matter here.
const (
	stringTable = 6
	wireVarint  = 0
	wireBytes   = 2
)

var errProfile = errors.New("the profile is none that this program understands")

// rename has the profile in file name the program under measurement otherwise: the
// folder that it was in is gone, and differs from one run to the next.
func rename(file, from, to string) error {
	packed, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading a profile: %w", err)
	}
	unpacker, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("unpacking a profile: %w", err)
	}
	message, err := io.ReadAll(unpacker)
	if err != nil {
		return fmt.Errorf("unpacking a profile: %w", err)
	}
	if message, err = renamed(message, from, to); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	packer.Write(message) // a buffer takes everything
	if err := packer.Close(); err != nil {
		return fmt.Errorf("packing a profile: %w", err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing a profile: %w", err)
	}
	return nil
}

// renamed replaces one string of an encoded profile.
func renamed(message []byte, from, to string) ([]byte, error) {
	var out []byte
	for rest := message; len(rest) > 0; {
		tag, n := binary.Uvarint(rest)
		value, m := binary.Uvarint(rest[max(n, 0):])
		if n <= 0 || m <= 0 {
			return nil, errProfile
		}
		size := n + m
		switch tag & 7 {
		case wireVarint:
		case wireBytes:
			if value > uint64(len(rest)-size) {
				return nil, errProfile
			}
			text := rest[size : size+int(value)]
			size += int(value)
			if tag>>3 == stringTable && string(text) == from {
				out = binary.AppendUvarint(out, tag)
				out = binary.AppendUvarint(out, uint64(len(to)))
				out, rest = append(out, to...), rest[size:]
				continue
			}
		default:
			return nil, errProfile
		}
		out, rest = append(out, rest[:size]...), rest[size:]
	}
	return slices.Clip(out), nil
}
