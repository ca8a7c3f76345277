package main

import (
	"fmt"
	"regexp"
	"strings"
)

// oidcPrefix is what the names of most of a provider's variables begin with.
const oidcPrefix = namePrefix + "OIDC_"

// numberedName is what a provider's variable is called for provider n, or for a
// placeholder such as <n>: SALLYPORT_OIDC_ISSUER becomes SALLYPORT_OIDC_2_ISSUER, and
// SALLYPORT_CLAIM_USER SALLYPORT_OIDC_2_CLAIM_USER.
func numberedName[N int | string](name string, n N) string {
	rest, ok := strings.CutPrefix(name, oidcPrefix)
	if !ok {
		rest = strings.TrimPrefix(name, namePrefix)
	}
	return fmt.Sprintf("%s%v_%s", oidcPrefix, n, rest)
}

// names says what the variables of one provider are called, by what they are called
// without a number. One that is not listed has its own name. The zero value lists
// none.
type names map[string]string

// numberedNames are the names of provider n.
func numberedNames(n int) names {
	all := make(names)
	for _, v := range providerVariables() {
		all[v.Name] = numberedName(v.Name, n)
	}
	return all
}

// of returns what a variable, or the _FILE form of one, is called.
func (n names) of(name string) string {
	if own, ok := n[name]; ok {
		return own
	}
	if plain, ok := strings.CutSuffix(name, fileSuffix); ok && n[plain] != "" {
		return n[plain] + fileSuffix
	}
	return name
}

// variableInText matches names of variables within sentences.
var variableInText = regexp.MustCompile(`SALLYPORT_[A-Z0-9_]*[A-Z0-9]`)

// in puts the names into a text that speaks of variables without a number. Code that
// judges or serves one provider need not know that there are several.
func (n names) in(text string) string {
	if len(n) == 0 {
		return text
	}
	return variableInText.ReplaceAllStringFunc(text, n.of)
}
