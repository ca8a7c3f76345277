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
	for i, one := range s.providers {
		var text strings.Builder
		if i > 0 {
			text.WriteByte('\n')
		}
		if err := writeRegistration(&text, one); err != nil {
			return p.refuse(err)
		}
		io.WriteString(p.stdout, one.Names.in(text.String()))
	}
	return exitOK
}

func loadRegistration(environ []string) (*settings, error) {
	c, f := readConfig(environ)
	s := &settings{Config: c}
	if c.Network.PublicURL == "" {
		f.unreadable("SALLYPORT_PUBLIC_URL", "is required", "set it to the address that browsers use")
	}
	s.resolveNetwork(f)
	for _, one := range c.Providers {
		p, own := s.newProvider(one), f.of(one.Names)
		if p.preset.Name == "" {
			own.unreadable(providerVariable, fmt.Sprintf("is %q", p.OIDC.Provider), "use "+alternatives(oidcrp.PresetNames()))
		}
		if p.OIDC.ClientKeyFile != "" {
			p.resolveClientKey(own)
		}
		s.addProvider(p, f)
	}
	return s, f.err()
}

// channel is the address of an endpoint by which the provider ends sessions.
func (p *provider) channel(path string) string {
	if store := p.site.Session.Store; !findsSessions(store) {
		return "leave it empty: SALLYPORT_SESSION_STORE=" + store + " finds no sessions to end"
	}
	return p.endpoint(path)
}

// loginEndpoint is the address where a sign-in at this provider begins.
func (p *provider) loginEndpoint() string {
	address := p.site.endpoint("/login")
	if p.hasSiblings() {
		address += "?idp=" + p.id()
	}
	return address
}

// writeRegistration speaks of variables without a number.
func writeRegistration(w io.Writer, p *provider) error {
	console := p.preset.Console
	title := p.preset.Title
	if p.hasSiblings() {
		title = p.id() + ": " + title
	}
	fmt.Fprintf(w, "What to enter at the provider (%s)\n\n  %s\n", title, console.Page)
	last := ""
	for _, field := range []struct{ label, value string }{
		{console.Redirect, p.endpoint("/callback")},
		{console.PostLogout, p.site.endpoint("/logout/callback")},
		{console.BackChannel, p.channel("/logout/backchannel")},
		{console.FrontChannel, p.channel("/logout/frontchannel")},
		{console.Login, p.loginEndpoint()},
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
	if console.BackChannel != "" && console.FrontChannel != "" && findsSessions(p.site.Session.Store) {
		fmt.Fprintf(w, "\n  One of the two logout addresses is enough: %s, if the provider's server can reach it.\n", console.BackChannel)
	}
	fmt.Fprint(w, "\nBesides\n\n")
	values := strings.NewReplacer(
		"{client_id}", cmp.Or(p.OIDC.ClientID, "the client id"),
		"{client_auth}", oidcrp.ClientAuth(p.OIDC.ClientAuth).Registered(),
		"{scopes}", strings.Join(slices.DeleteFunc(slices.Clone(p.OIDC.Scopes), func(scope string) bool { return scope == "{client_id}" }), " "),
	)
	for i, step := range console.Steps {
		fmt.Fprintf(w, "  %d. %s\n", i+1, values.Replace(step))
	}
	return writeCredential(w, p)
}

// writeCredential prints the public key that is registered, or says which secret
// the provider shows.
func writeCredential(w io.Writer, p *provider) error {
	if oidcrp.ClientAuth(p.OIDC.ClientAuth) == oidcrp.ClientAuthNone {
		fmt.Fprint(w, "\nThen set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n")
		return nil
	}
	if p.clientKey == nil {
		fmt.Fprintf(w, "\nThen set SALLYPORT_OIDC_CLIENT_ID and SALLYPORT_OIDC_CLIENT_SECRET to what the provider shows, and run: sallyport check\n")
		return nil
	}
	if oidcrp.ClientAuth(p.OIDC.ClientAuth) == oidcrp.TLSClientAuth {
		fmt.Fprintf(w, "\nThe certificate's subject (tls_client_auth_subject_dn)\n\n  %s\n\n"+
			"Then set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n", p.clientKey.Certificate().Subject)
		return nil
	}
	jwk, err := p.clientKey.PublicJWK()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe client's public key, as a JWK; where a set is wanted, write {\"keys\":[ ]} around it\n\n  %s\n\n"+
		"Then set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n", jwk)
	return nil
}
