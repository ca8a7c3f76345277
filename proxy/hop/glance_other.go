//go:build !unix

package hop

import "net"

// glance cannot look here, so that no connection is used twice.
type glance struct{}

func glanceAt(net.Conn) *glance { return nil }

func (*glance) look() sight { return closed }
