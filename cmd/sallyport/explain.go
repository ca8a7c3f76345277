package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/sallyport/sallyport/idp/oidcrp"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// explain is check --explain METHOD PATH [--as claims.json]: what the rules say of a
// request, and of the person with these claims. It asks nobody.
func (p *process) explain(args []string) int {
	method, path, claims, ok := explainArguments(args)
	if !ok {
		return p.usage("check --explain wants METHOD PATH [--as claims.json]")
	}
	s, err := load(p.environ)
	if err != nil {
		return p.refuse(err)
	}
	var id *session.Identity
	if claims != "" {
		if id, err = readIdentity(s.providers[0], claims); err != nil {
			fmt.Fprintf(p.stderr, "sallyport: %v\n", err)
			return exitFailed
		}
	}
	if err := policy.CheckPath(path); err != nil || !strings.HasPrefix(path, "/") {
		fmt.Fprintf(p.stdout, "refused with 400: %v\n", explainPath(path, err))
		return exitOK
	}
	e := s.policy.Explain(policy.Request{Method: method, Path: path}, id, p.now())
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, line := range e {
		fmt.Fprintf(w, "%s\t%s\n", line.What, line.Says)
	}
	_ = w.Flush()
	return exitOK
}

func explainPath(path string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%q does not begin with /", path)
}

// explainArguments reads METHOD PATH [--as FILE].
func explainArguments(args []string) (method, path, claims string, ok bool) {
	switch len(args) {
	case 2:
	case 4:
		if args[2] != "--as" && args[2] != "-as" {
			return "", "", "", false
		}
		claims = args[3]
	default:
		return "", "", "", false
	}
	return args[0], args[1], claims, true
}

// readIdentity reads the claims of an ID token from a file and makes an identity of
// them, as a sign-in would.
func readIdentity(p *provider, file string) (*session.Identity, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading claims: %w", err)
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("reading claims: %s is not JSON", file)
	}
	id, err := oidcrp.ReadIdentity(p.claimsConfig(), text)
	if err != nil {
		return nil, fmt.Errorf("reading claims of %s: %w", file, err)
	}
	return &id, nil
}
