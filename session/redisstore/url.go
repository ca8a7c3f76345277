package redisstore

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// URL says where Redis is and how to sign in to it. It prints without the
// credentials. The zero value names nothing.
type URL struct {
	// A pointer, so that fmt stops at its address even inside other structs.
	at *target
}

type target struct {
	scheme   string
	hosts    []string // host:port
	db       int
	username string
	password string

	tls    bool
	caFile string

	master           string // Sentinel's name of the set; empty = no Sentinel
	sentinelUsername string
	sentinelPassword string
}

const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// ParseURL reads SALLYPORT_REDIS_URL:
//
//	redis://[user:password@]host[:port][/db]      one server, or a node of a cluster
//	redis://…@host1:port,host2:port,…             a cluster
//	redis://…@host1:port,…[/db]?master=name       Sentinels, which know the master
//	rediss://…[?ca_file=path]                     the same over TLS
//
// Sentinels have credentials of their own: sentinel_user and sentinel_password.
// User and password are percent-encoded. No error contains any part of the
// text beyond names of parameters and ports.
func ParseURL(text string) (URL, error) {
	t, err := parseTarget(strings.TrimSpace(text))
	if err != nil {
		return URL{}, fmt.Errorf("SALLYPORT_REDIS_URL: %w", err)
	}
	return URL{at: t}, nil
}

func parseTarget(text string) (*target, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || (scheme != "redis" && scheme != "rediss") {
		return nil, errors.New("it must begin with redis:// or, for TLS, rediss://")
	}
	t := &target{scheme: scheme, tls: scheme == "rediss"}
	// net/url knows one host only, and its errors repeat the password.
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if err := t.setUser(authority[:at]); err != nil {
			return nil, err
		}
		authority = authority[at+1:]
	}
	if err := t.setQuery(query); err != nil {
		return nil, err
	}
	if err := t.setHosts(authority); err != nil {
		return nil, err
	}
	if path != "" {
		db, err := strconv.ParseUint(path, 10, 16)
		if err != nil {
			return nil, errors.New("what follows the host must be the number of a database, as in /0")
		}
		t.db = int(db)
	}
	if t.db != 0 && len(t.hosts) > 1 && t.master == "" {
		return nil, errors.New("several hosts are a cluster, and a cluster has no database but 0; for Sentinels add ?master=name")
	}
	return t, nil
}

func (t *target) setUser(userinfo string) error {
	user, password, _ := strings.Cut(userinfo, ":")
	var errUser, errPassword error
	t.username, errUser = url.PathUnescape(user)
	t.password, errPassword = url.PathUnescape(password)
	if errUser != nil || errPassword != nil {
		return errors.New("user and password must be percent-encoded: write %25 for %, %40 for @, %2F for /, %3F for ?")
	}
	if t.username != "" && t.password == "" {
		return errors.New("there is a user without a password; write :password@ for a password without a user")
	}
	return nil
}

func (t *target) setHosts(list string) error {
	port := redisPort
	if t.master != "" {
		port = sentinelPort
	}
	for host := range strings.SplitSeq(list, ",") {
		u, err := url.Parse("redis://" + host)
		if err != nil || u.Host != host || !isHost(u.Hostname()) {
			return errors.New("a host is missing or malformed; write host or host:port, separated by commas, " +
				"and percent-encode what is special in the password")
		}
		p := u.Port()
		if p == "" {
			p = port
		}
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("port %s does not exist", p)
		}
		t.hosts = append(t.hosts, net.JoinHostPort(u.Hostname(), p))
	}
	return nil
}

// isHost reports whether s can be a name or an address; net/url takes almost
// anything for a name.
func isHost(s string) bool {
	if strings.Contains(s, ":") {
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"%*<>[]\\^`{|}", r)
	})
}

func (t *target) setQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the ? is malformed; write name=value, separated by &, percent-encoded")
	}
	for name, v := range values {
		switch name {
		case "master":
			t.master = v[0]
		case "sentinel_user":
			t.sentinelUsername = v[0]
		case "sentinel_password":
			t.sentinelPassword = v[0]
		case "ca_file":
			t.caFile = v[0]
		default: // it may be the rest of a password
			return errors.New("what follows the ? may be master, sentinel_user, sentinel_password and ca_file; " +
				"write %3F for a ? in the password")
		}
		if len(v) > 1 || v[0] == "" {
			return fmt.Errorf("parameter %s must be there once, with a value", name)
		}
	}
	switch {
	case t.master == "" && (t.sentinelUsername != "" || t.sentinelPassword != ""):
		return errors.New("credentials for Sentinels need ?master=name")
	case t.caFile != "" && !t.tls:
		return errors.New("ca_file is for rediss:// only")
	}
	return nil
}

// String returns the URL without credentials.
func (u URL) String() string {
	if u.at == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(u.at.scheme + "://" + strings.Join(u.at.hosts, ","))
	if u.at.db != 0 {
		b.WriteString("/" + strconv.Itoa(u.at.db))
	}
	if u.at.master != "" {
		b.WriteString("?master=" + url.QueryEscape(u.at.master))
	}
	return b.String()
}

// GoString implements fmt.GoStringer, for %#v.
func (u URL) GoString() string { return u.String() }

// LogValue implements slog.LogValuer.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText implements encoding.TextMarshaler, and so encoding/json.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
