package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// build describes this binary, from what the toolchain wrote into it.
type build struct {
	Version  string // module version, or "devel"
	Go       string
	Revision string // of the source, "" when unknown
	Dirty    bool   // the source differed from Revision
}

func readBuild() build {
	b := build{Version: "devel", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// String is what the version command prints.
func (b build) String() string {
	revision := b.Revision
	switch {
	case revision == "":
		revision = "unknown"
	case b.Dirty:
		revision += " (changed)"
	}
	return fmt.Sprintf("sallyport %s\n%s %s/%s\nrevision %s", b.Version, b.Go, runtime.GOOS, runtime.GOARCH, revision)
}
