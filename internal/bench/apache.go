package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// apacheModules is where Debian and its kin have them.
const apacheModules = "/usr/lib/apache2/modules"

// apacheConfig is one process with threads: %[1]s is where it listens, %[2]s the app,
// %[3]s the modules' folder, %[4]s who it goes on as, %[5]s further lines.
const apacheConfig = `ServerName 127.0.0.1
Listen %[1]s
PidFile apache.pid
DefaultRuntimeDir .
ErrorLog ` + errorLog + `
LoadModule mpm_event_module %[3]s/mod_mpm_event.so
LoadModule authz_core_module %[3]s/mod_authz_core.so
LoadModule authz_user_module %[3]s/mod_authz_user.so
LoadModule authn_core_module %[3]s/mod_authn_core.so
LoadModule headers_module %[3]s/mod_headers.so
LoadModule proxy_module %[3]s/mod_proxy.so
LoadModule proxy_http_module %[3]s/mod_proxy_http.so
%[4]sStartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
MaxConnectionsPerChild 0
MaxKeepAliveRequests 0
KeepAliveTimeout 120
CustomLog /dev/null "%%h %%l %%u %%t \"%%r\" %%>s %%b"
ProxyPreserveHost On
ProxyPass / %[2]s/
%[5]s`

// openIDCConfig has mod_auth_openidc sign people in at %[2]s for a site at %[1]s.
const openIDCConfig = `LoadModule auth_openidc_module %[3]s/mod_auth_openidc.so
OIDCProviderMetadataURL %[2]s/.well-known/openid-configuration
OIDCClientID ` + clientID + `
OIDCClientSecret ` + clientSecret + `
OIDCRedirectURI http://%[1]s` + openIDCPath + `
OIDCCryptoPassphrase %[4]s
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCSessionInactivityTimeout 3600
OIDCSessionMaxDuration 43200
%[5]s<Location />
	AuthType openid-connect
	Require valid-user
	RequestHeader set X-Forwarded-Email "%%{OIDC_CLAIM_email}e"
</Location>
`

const openIDCPath = "/openidc/callback"

// startApache starts it as a proxy and nothing else.
func (s *proxies) startApache(ctx context.Context, w *world) error {
	addr, err := w.freeAddress()
	if err != nil {
		return err
	}
	p, err := w.apache(ctx, "Apache, plain", addr, "")
	if err != nil {
		return err
	}
	s.peers = append(s.peers, peer{name: p.name, on: []*process{p}})
	return nil
}

func (w *world) apache(ctx context.Context, name, addr, more string) (*process, error) {
	binary, err := findServer("apache2")
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "User www-data\nGroup www-data\n"
	}
	files := map[string]string{"apache.conf": fmt.Sprintf(apacheConfig, addr, w.upstream, apacheModules, user, more)}
	return w.server(ctx, name, addr, files, func(dir string) *exec.Cmd {
		return exec.CommandContext(ctx, binary, "-X", "-d", dir, "-f", filepath.Join(dir, "apache.conf"))
	})
}

// startOpenIDC starts Apache with mod_auth_openidc, its sessions in shared memory and,
// where there is one, in Redis.
func (s *proxies) startOpenIDC(ctx context.Context, w *world) error {
	if _, err := os.Stat(filepath.Join(apacheModules, "mod_auth_openidc.so")); errors.Is(err, fs.ErrNotExist) {
		return notInstalled("libapache2-mod-auth-openidc")
	}
	p, err := w.openIDC(ctx, "mod_auth_openidc, shared memory", "OIDCCacheType shm\n")
	if err != nil {
		return err
	}
	s.peers = append(s.peers, p)
	if s.redis == nil {
		return nil
	}
	store, err := w.startRedis(ctx)
	if err != nil {
		return err
	}
	p, err = w.openIDC(ctx, "mod_auth_openidc, Redis", "OIDCCacheType redis\nOIDCRedisCacheServer "+store.addr+"\n")
	p.redis = store
	s.peers = append(s.peers, p)
	return err
}

// openIDC starts it with a demo provider of its own, and signs in.
func (w *world) openIDC(ctx context.Context, name, cache string) (peer, error) {
	addr, err := w.freeAddress()
	if err != nil {
		return peer{}, err
	}
	provider, err := startProvider(demoidp.Client{RedirectURIs: []string{"http://" + addr + openIDCPath}})
	if err != nil {
		return peer{}, err
	}
	w.ends = append(w.ends, provider.Close)
	p, err := w.apache(ctx, name, addr, fmt.Sprintf(openIDCConfig, addr, provider.URL, apacheModules, rand.Text(), cache))
	if err != nil {
		return peer{}, err
	}
	person := demoidp.DefaultPeople()[0]
	cookie, err := signIn(ctx, "http://"+addr+path(1), person.Name, "mod_auth_openidc_session")
	if err != nil {
		return peer{}, fmt.Errorf("%s: signing in: %w", name, err)
	}
	return peer{name: name, on: []*process{p}, cookie: cookie, identity: person.Email}, nil
}
