package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// register prints what has to be entered at the provider, in the words of its
// console. It asks nobody, and wants no more of the configuration than it prints: the
// client id, say, is there only after the client has been registered.
func (p *process) register() int {
	s, err := loadRegistration(p.environ)
	if err != nil {
		return p.refuse(err)
	}
	if err := writeRegistration(p.stdout, s); err != nil {
		return p.refuse(err)
	}
	return exitOK
}

func loadRegistration(environ []string) (*settings, error) {
	c, f := readConfig(environ)
	s := &settings{Config: c}
	var known bool
	if s.preset, known = oidcrp.FindPreset(c.OIDC.Provider); !known {
		f.add(providerVariable, fmt.Sprintf("is %q", c.OIDC.Provider), "use "+alternatives(oidcrp.PresetNames()))
	}
	if c.Network.PublicURL == "" {
		f.unreadable("SALLYPORT_PUBLIC_URL", "is required", "set it to the address that browsers use")
	}
	s.resolveNetwork(f)
	if c.OIDC.ClientKeyFile != "" {
		s.resolveClientKey(f)
	}
	return s, f.err()
}

// channel is the address of an endpoint by which the provider ends sessions.
func (s *settings) channel(path string) string {
	if !findsSessions(s.Session.Store) {
		return "leave it empty: SALLYPORT_SESSION_STORE=" + s.Session.Store + " finds no sessions to end"
	}
	return s.endpoint(path)
}

func writeRegistration(w io.Writer, s *settings) error {
	console := s.preset.Console
	fmt.Fprintf(w, "What to enter at the provider (%s)\n\n  %s\n", s.preset.Title, console.Page)
	last := ""
	for _, field := range []struct{ label, value string }{
		{console.Redirect, s.endpoint("/callback")},
		{console.PostLogout, s.endpoint("/logout/callback")},
		{console.BackChannel, s.channel("/logout/backchannel")},
		{console.FrontChannel, s.channel("/logout/frontchannel")},
		{console.Login, s.endpoint("/login")},
	} {
		if field.label == "" {
			continue
		}
		if field.label != last { // some have one list for both
			fmt.Fprintf(w, "\n  %s\n", field.label)
		}
		last = field.label
		fmt.Fprintf(w, "      %s\n", field.value)
	}
	if console.BackChannel != "" && console.FrontChannel != "" && findsSessions(s.Session.Store) {
		fmt.Fprintf(w, "\n  One of the two logout addresses is enough: %s, if the provider's server can reach it.\n", console.BackChannel)
	}
	fmt.Fprint(w, "\nBesides\n\n")
	values := strings.NewReplacer(
		"{client_id}", cmp.Or(s.OIDC.ClientID, "the client id"),
		"{client_auth}", oidcrp.ClientAuth(s.OIDC.ClientAuth).Registered(),
		"{scopes}", strings.Join(slices.DeleteFunc(slices.Clone(s.OIDC.Scopes), func(scope string) bool { return scope == "{client_id}" }), " "),
	)
	for i, step := range console.Steps {
		fmt.Fprintf(w, "  %d. %s\n", i+1, values.Replace(step))
	}
	return writeCredential(w, s)
}

// writeCredential prints the public key that is registered, or says which secret
// the provider shows.
func writeCredential(w io.Writer, s *settings) error {
	if oidcrp.ClientAuth(s.OIDC.ClientAuth) == oidcrp.ClientAuthNone {
		fmt.Fprint(w, "\nThen set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n")
		return nil
	}
	if s.clientKey == nil {
		fmt.Fprintf(w, "\nThen set SALLYPORT_OIDC_CLIENT_ID and SALLYPORT_OIDC_CLIENT_SECRET to what the provider shows, and run: sallyport check\n")
		return nil
	}
	if oidcrp.ClientAuth(s.OIDC.ClientAuth) == oidcrp.TLSClientAuth {
		fmt.Fprintf(w, "\nThe certificate's subject (tls_client_auth_subject_dn)\n\n  %s\n\n"+
			"Then set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n", s.clientKey.Certificate().Subject)
		return nil
	}
	jwk, err := s.clientKey.PublicJWK()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe client's public key, as a JWK; where a set is wanted, write {\"keys\":[ ]} around it\n\n  %s\n\n"+
		"Then set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n", jwk)
	return nil
}
