package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

const providerVariable = "SALLYPORT_OIDC_PROVIDER"

// applyPreset gives each variable that is not set the value that the preset of
// SALLYPORT_OIDC_PROVIDER knows, and returns which variables got one. A preset that
// does not exist sets nothing; checkWords says so later.
func applyPreset(set map[string]string) map[string]bool {
	preset, _ := oidcrp.FindPreset(set[providerVariable])
	applied := make(map[string]bool)
	for name, value := range preset.Defaults {
		if _, ok := set[name]; !ok {
			set[name], applied[name] = value, true
		}
	}
	return applied
}

// checkIgnored refuses a preset's ignore where addresses decide who may pass: that
// nobody has verified them is for the operator to accept.
func (p *provider) checkIgnored(f *faults) {
	const name = "SALLYPORT_EMAIL_VERIFIED"
	if p.FromPreset[name] && p.Claims.EmailVerified == "ignore" && p.site.addressesDecide() {
		f.add(name, "is ignore by the preset "+p.preset.Name+", and allow-lists of e-mail addresses decide who may pass", "set it yourself: ignore if people cannot choose their address at the provider, else allow_missing")
	}
}

// checkPreset shows what the preset makes of the variables that it concerns, and
// what its provider's operators should know.
func checkPreset(p *provider, f *findings) {
	const probe = "preset"
	if p.preset.Name == oidcrp.GenericPreset {
		return
	}
	f.ok(probe, "%s: %s", p.preset.Name, p.preset.Title)
	for v, value := range p.values() {
		byPreset, concerned := p.preset.Defaults[v.Name]
		switch {
		case !concerned:
		case p.FromPreset[v.Name]:
			f.ok(probe, "%s=%s, by the preset", v.Name, byPreset)
		default:
			f.ok(probe, "%s=%s, set instead of %s", v.Name, written(value), byPreset)
		}
	}
	if p.issuerAsSet != p.OIDC.Issuer {
		f.ok(probe, "%s is set to %s and taken for %s", issuerVariable, p.issuerAsSet, p.OIDC.Issuer)
	}
	for _, advice := range p.preset.Advice {
		f.ok("advice", "%s", advice)
	}
}

// written is a value in the form that it has in an environment.
func written(value reflect.Value) string {
	if list, ok := value.Interface().([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(value.Interface())
}
