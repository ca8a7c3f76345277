package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sallyport/sallyport/idp/oidcrp"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// explain is check --explain METHOD PATH [--as claims.json [--idp id]]: what the rules
// say of a request, and of the person with these claims. It asks nobody.
func (p *process) explain(args []string) int {
	method, path, claims, idp, ok := explainArguments(args)
	if !ok {
		return p.usage("check --explain wants METHOD PATH [--as claims.json [--idp id]]")
	}
	s, err := load(p.environ)
	if err != nil {
		return p.refuse(err)
	}
	var person *session.Session
	if claims != "" {
		if person, err = readPerson(s, claims, idp); err != nil {
			fmt.Fprintf(p.stderr, "sallyport: %v\n", err)
			return exitFailed
		}
	}
	if err := policy.CheckPath(path); err != nil || !strings.HasPrefix(path, "/") {
		fmt.Fprintf(p.stdout, "refused with 400: %v\n", explainPath(path, err))
		return exitOK
	}
	e := s.policy.Explain(policy.Request{Method: method, Path: path}, person, p.now())
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

// explainArguments reads METHOD PATH [--as FILE [--idp ID]].
func explainArguments(args []string) (method, path, claims, idp string, ok bool) {
	if len(args) < 2 || len(args)%2 != 0 || len(args) > 6 {
		return "", "", "", "", false
	}
	for flag := args[2:]; len(flag) > 0; flag = flag[2:] {
		switch strings.TrimPrefix(flag[0], "-") {
		case "-as", "as":
			claims = flag[1]
		case "-idp", "idp":
			idp = flag[1]
		default:
			return "", "", "", "", false
		}
	}
	return args[0], args[1], claims, idp, claims != "" || idp == ""
}

// readPerson reads the claims of an ID token from a file and makes a session of them, as
// a sign-in would at the provider of that id, or at the one that they name.
func readPerson(s *settings, file, idp string) (*session.Session, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading claims: %w", err)
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("reading claims: %s is not JSON", file)
	}
	p, err := s.providerOf(text, idp)
	if err != nil {
		return nil, err
	}
	id, err := oidcrp.ReadIdentity(p.claimsConfig(), text)
	if err != nil {
		return nil, fmt.Errorf("reading claims of %s: %s", file, p.Names.in(err.Error()))
	}
	return &session.Session{IdP: p.id(), Identity: id}, nil
}

// providerOf returns the provider of that id, or without one the only one, or the one
// whose issuer the claims name.
func (s *settings) providerOf(claims []byte, id string) (*provider, error) {
	var token struct {
		Issuer string `json:"iss"`
	}
	_ = json.Unmarshal(claims, &token) // whoever makes the identity says what is wrong with them
	var ids []string
	var fitting []*provider
	for _, p := range s.providers {
		ids = append(ids, p.id())
		if p.id() == id || id == "" && (p.issues(token.Issuer) || !p.hasSiblings()) {
			fitting = append(fitting, p)
		}
	}
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case id != "":
		return nil, fmt.Errorf("reading claims: there is no provider %s; it is one of %s", id, strings.Join(ids, ", "))
	}
	return nil, fmt.Errorf("reading claims: the iss of the claims names not one provider; add --idp and one of %s", strings.Join(ids, ", "))
}

// issues reports whether iss is the issuer, or the one of an allowed tenant.
func (p *provider) issues(iss string) bool {
	return p.OIDC.Issuer == iss || slices.ContainsFunc(p.OIDC.Tenants, func(tenant string) bool {
		return strings.ReplaceAll(p.OIDC.Issuer, oidcrp.TenantPlaceholder, tenant) == iss
	})
}
