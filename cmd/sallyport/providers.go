package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mostProviders bounds the numbers of providers.
const mostProviders = 99

// numberedVariable matches the variables of providers with a number.
var numberedVariable = regexp.MustCompile(`^SALLYPORT_OIDC_([0-9]+)_[A-Z0-9_]+$`)

// takeNumbered takes the variables of providers with a number out of set. It returns
// them by number, each under its name without one.
func takeNumbered(set map[string]string, f *faults) map[int]map[string]string {
	all := make(map[int]map[string]string)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		m := numberedVariable.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		value := set[name]
		delete(set, name)
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > mostProviders || strconv.Itoa(n) != m[1] {
			f.add(name, "has the number "+m[1], fmt.Sprintf("number providers from 1 to %d, without zeros in front", mostProviders))
			continue
		}
		plain, known := plainNames(n)
		if plain[name] == "" {
			f.add(name, "is not a variable of a provider", unknownRemedy(nearest(name, known)))
			continue
		}
		if all[n] == nil {
			all[n] = make(map[string]string)
		}
		all[n][plain[name]] = value
	}
	return all
}

// plainNames are the names without a number of provider n's variables, by their own
// ones, and these in order.
func plainNames(n int) (plain map[string]string, own []string) {
	plain = make(map[string]string)
	for _, v := range providerVariables() {
		plain[numberedName(v.Name, n)] = v.Name
		if v.Secret {
			plain[numberedName(v.Name, n)+fileSuffix] = v.Name + fileSuffix
		}
	}
	return plain, slices.Sorted(maps.Keys(plain))
}

// dropEmpty removes the variables that are set to nothing, which count as unset.
func dropEmpty(set map[string]string) {
	maps.DeleteFunc(set, func(_, value string) bool { return value == "" })
}

// refuseEmptyDomains keeps a template that came out empty from letting a provider
// vouch for everybody's address.
func refuseEmptyDomains(set map[string]string, f *faults) {
	if value, ok := set[emailDomainsVariable]; ok && value == "" {
		f.unreadable(emailDomainsVariable, "is set but empty, which would let the provider vouch for every address", "list the domains of its people, or remove the variable")
	}
}

// readProviders reads the variables of providers: of the one without a number from
// set, of the others from numbered, which is by number.
func (c *Config) readProviders(set map[string]string, numbered map[int]map[string]string, f *faults) {
	plain, shared := make(map[string]string), make(map[string]string)
	for _, v := range providerVariables() {
		for _, name := range []string{v.Name, v.Name + fileSuffix} {
			value, given := set[name]
			switch {
			case !given:
			case strings.HasPrefix(name, oidcPrefix):
				plain[name] = value
			default:
				shared[name] = value
			}
		}
	}
	numbers := slices.Sorted(maps.Keys(numbered))
	if len(numbers) == 0 || !refuseStray(plain, numbers, f) {
		maps.Copy(plain, shared)
		c.readProvider(ProviderConfig{}, plain, f)
	}
	for _, n := range numbers {
		p, own := ProviderConfig{Number: n, Names: numberedNames(n)}, numbered[n]
		for name, value := range shared {
			if _, given := own[name]; !given {
				own[name] = value
				delete(p.Names, name)
			}
		}
		c.readProvider(p, own, f)
	}
}

// refuseStray reports whether there is no provider without a number, and refuses
// variables that could only be meant for one.
func refuseStray(plain map[string]string, numbers []int, f *faults) bool {
	for _, name := range []string{providerVariable, issuerVariable, clientIDVariable} {
		if plain[name] != "" {
			return false
		}
	}
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		f.add(name, "is about a provider without a number, and there is none", "set it for each provider that needs it, such as "+numberedName(name, numbers[0]))
	}
	return true
}

// readProvider reads one provider from variables under their names without a number.
func (c *Config) readProvider(p ProviderConfig, own map[string]string, f *faults) {
	f = f.of(p.Names)
	vars := providerVariables()
	p.FromPreset = applyPreset(own)
	for name, path := range readSecretFiles(own, vars, f) {
		c.SecretFiles[p.Names.of(name)] = path
	}
	parseGroups(&p, own, vars, f)
	c.Providers = append(c.Providers, p)
}
