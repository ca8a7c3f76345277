// Package arch holds tests of the source tree itself: who may import whom, and
// how long a file may be. It has no code of its own.
//
// The table of arrows is in arrows_test.go. A package that is not in it may import
// nothing of this module; a new room therefore needs a line there, and with it a
// reason.
package arch
