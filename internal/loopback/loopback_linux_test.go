package loopback

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

func reserved(t *testing.T, further ...int) *Port {
	t.Helper()
	p, err := Reserve(further...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestOneAfterAnother: who is told of the port gets it, again and again, though connections
// that are over still linger on it (TIME_WAIT).
func TestOneAfterAnother(t *testing.T) {
	p := reserved(t)
	for range 3 {
		l, err := net.Listen("tcp", p.Address())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := net.Listen("tcp", p.Address()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second listener at the same time: %v", err)
		}
		client, err := net.Dial("tcp", p.Address())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_, _, _ = server.Close(), client.Close(), l.Close()
	}
	if c, err := net.Dial("tcp", p.Address()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens, and who dials gets %v, %v", c, err)
	}
}

// TestNobodyElse leaves the kernel the choice among one port, the reserved one.
func TestNobodyElse(t *testing.T) {
	p := reserved(t)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	const localPortRange = 51 // IP_LOCAL_PORT_RANGE, since Linux 6.3
	only := func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, localPortRange, p.number<<16|p.number)
		})
		return errors.Join(err, failed)
	}
	listen := func() error {
		l, err := (&net.ListenConfig{Control: only}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
		if err == nil {
			err = l.Close()
		}
		return err
	}
	dial := func() error {
		c, err := (&net.Dialer{Control: only}).Dial("tcp4", other.Addr().String())
		if err == nil {
			err = c.Close()
		}
		return err
	}
	if err := listen(); errors.Is(err, syscall.ENOPROTOOPT) {
		t.Log("this kernel does not let a program say which ports to choose from")
		return
	} else if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a listener is given the reserved port: %v", err)
	}
	if err := dial(); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("a client is given the reserved port: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(listen(), dial()); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

// TestFurtherPorts: they are kept like the first, from a second Reserve, too.
func TestFurtherPorts(t *testing.T) {
	p := reserved(t, 1000, 2000)
	for _, distance := range []int{0, 1000, 2000} {
		number := p.number + distance
		if _, _, err := keep(number); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("port %d, at distance %d, is reserved twice: %v", number, distance, err)
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
	if p, err := Reserve(0x10000); err == nil {
		t.Errorf("port %s has a further one beyond the last", p)
	}
}
