package deploy

import (
	"encoding/base64"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads docker-compose.yml as `docker compose` does, schema and
// consistency checks included.
func compose(t *testing.T) *types.Project {
	t.Helper()
	path := filepath.Join(root, "docker-compose.yml")
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root,
		ConfigFiles: []types.ConfigFile{{Filename: path}},
		Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatalf("loading docker-compose.yml: %v", err)
	}
	return p
}

func service(t *testing.T, name string) types.ServiceConfig {
	t.Helper()
	s, err := compose(t).GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// env returns a service's environment; every variable has a value.
func env(t *testing.T, name string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for k, v := range service(t, name).Environment {
		if v == nil {
			t.Fatalf("%s: %s has no value", name, k)
		}
		values[k] = *v
	}
	return values
}

func TestComposeServices(t *testing.T) {
	p := compose(t)
	got := slices.Sorted(maps.Keys(p.Services))
	want := []string{"app", "keycloak", "prometheus", "sallyport"}
	if !slices.Equal(got, want) {
		t.Errorf("services are %q, want %q", got, want)
	}
	pinned := regexp.MustCompile(`:v?\d+(\.\d+)+$`)
	for name, s := range p.Services {
		if s.Build == nil && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not pinned to a version", name, s.Image)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is published on %q, want loopback alone", name, port.Published, port.HostIP)
			}
		}
	}
	if ports := p.Services["app"].Ports; len(ports) != 0 {
		t.Errorf("the app publishes %v: requests could pass Sallyport by", ports)
	}
	for _, port := range p.Services["sallyport"].Ports {
		if port.Target == 4190 {
			t.Error("the admin listener is published")
		}
	}
}

func TestComposeHealth(t *testing.T) {
	if check := service(t, "sallyport").HealthCheck; check == nil || !slices.Equal(check.Test, []string{"CMD", "/sallyport", "health"}) {
		t.Errorf("sallyport's health check is %v", check)
	}
	check := service(t, "keycloak").HealthCheck
	if check == nil || len(check.Test) != 4 || !strings.Contains(check.Test[3], "/health/ready") {
		t.Fatalf("keycloak's health check is %v", check)
	}
	// Keycloak answers it on the management port, and only when told to.
	if !strings.Contains(check.Test[3], "/9000") || env(t, "keycloak")["KC_HEALTH_ENABLED"] != "true" {
		t.Errorf("keycloak's health check %q cannot succeed", check.Test[3])
	}
	if strings.Contains(strings.ReplaceAll(check.Test[3], "$status", ""), "$") {
		t.Errorf("keycloak's health check %q has a stray dollar", check.Test[3])
	}
}

func TestComposeVariablesExist(t *testing.T) {
	known := variables(t)
	for name := range env(t, "sallyport") {
		if !known[name] {
			t.Errorf("docker-compose.yml sets %s, which docs/configuration.md does not know", name)
		}
	}
}

func TestComposeSecretIsAKey(t *testing.T) {
	key, err := base64.StdEncoding.Strict().DecodeString(env(t, "sallyport")["SALLYPORT_SECRET"])
	if err != nil || len(key) != 32 {
		t.Errorf("SALLYPORT_SECRET is %d bytes of base64 (%v), want 32", len(key), err)
	}
}

// The browser and the container must see one issuer.
func TestComposeIssuer(t *testing.T) {
	rp, op := env(t, "sallyport"), env(t, "keycloak")
	issuer := rp["SALLYPORT_OIDC_ISSUER"]
	if want := op["KC_HOSTNAME"] + "/realms/" + loadRealm(t).Realm; issuer != want {
		t.Errorf("SALLYPORT_OIDC_ISSUER is %q, Keycloak's is %q", issuer, want)
	}
	path := strings.TrimPrefix(issuer, op["KC_HOSTNAME"]) + "/.well-known/openid-configuration"
	if want := "http://keycloak:8080" + path; rp["SALLYPORT_OIDC_DISCOVERY_URL"] != want {
		t.Errorf("SALLYPORT_OIDC_DISCOVERY_URL is %q, want %q", rp["SALLYPORT_OIDC_DISCOVERY_URL"], want)
	}
	// Without it the metadata names token and key endpoints that the container
	// cannot reach.
	if op["KC_HOSTNAME_BACKCHANNEL_DYNAMIC"] != "true" {
		t.Error("KC_HOSTNAME_BACKCHANNEL_DYNAMIC is not true")
	}
}

func TestComposeFilesAreMounted(t *testing.T) {
	mounts := map[string]string{
		"keycloak":   "deploy/keycloak/realm-sallyport.json:/opt/keycloak/data/import/realm-sallyport.json",
		"prometheus": "deploy/prometheus/prometheus.yml:/etc/prometheus/prometheus.yml",
	}
	for name, mount := range mounts {
		source, target, _ := strings.Cut(mount, ":")
		read(t, source)
		found := slices.ContainsFunc(service(t, name).Volumes, func(v types.ServiceVolumeConfig) bool {
			return strings.HasSuffix(filepath.ToSlash(v.Source), source) && v.Target == target && v.ReadOnly
		})
		if !found {
			t.Errorf("%s does not mount %s read-only", name, mount)
		}
	}
	if !slices.Contains(service(t, "keycloak").Command, "--import-realm") {
		t.Error("keycloak is not told to import the realm")
	}
}
