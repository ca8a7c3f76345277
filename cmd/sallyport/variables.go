package main

import (
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/secret"
)

// variable is one environment variable as its struct tags describe it.
type variable struct {
	Name     string
	Section  string
	Doc      string
	Default  string // the value that applies when it is unset; "" for none
	Absent   string // words for what applies when it is unset and Default is ""
	Example  string
	OneOf    []string
	Required bool
	Secret   bool // NAME_FILE exists too
	List     bool

	field string // Go name within its group
	group int    // index of its group in the struct of groups
}

var secretType = reflect.TypeFor[secret.Text]()

// variables lists every variable in the order of Config, those of providers in the
// form without a number.
func variables() []variable {
	var all []variable
	config := reflect.TypeFor[Config]()
	for g := range config.NumField() {
		if config.Field(g).Type == reflect.TypeFor[[]ProviderConfig]() {
			all = append(all, providerVariables()...)
			continue
		}
		all = append(all, groupVariables(config, g)...)
	}
	return all
}

// siteVariables are those that no provider has for itself.
func siteVariables() []variable { return variablesOf(reflect.TypeFor[Config]()) }

// providerVariables are those of one provider, in the form without a number.
func providerVariables() []variable { return variablesOf(reflect.TypeFor[ProviderConfig]()) }

// variablesOf lists the variables of a struct whose fields with the tag section are
// groups of them.
func variablesOf(groups reflect.Type) []variable {
	var all []variable
	for g := range groups.NumField() {
		all = append(all, groupVariables(groups, g)...)
	}
	return all
}

func groupVariables(groups reflect.Type, g int) []variable {
	section, ok := groups.Field(g).Tag.Lookup("section")
	if !ok {
		return nil
	}
	var all []variable
	group := groups.Field(g).Type
	for f := range group.NumField() {
		all = append(all, describe(group.Field(f), section, g))
	}
	return all
}

// valuesOf walks variables of variablesOf with their values in that struct.
func valuesOf(groups any, vars []variable) iter.Seq2[variable, reflect.Value] {
	return func(yield func(variable, reflect.Value) bool) {
		for _, v := range vars {
			if !yield(v, reflect.ValueOf(groups).Field(v.group).FieldByName(v.field)) {
				return
			}
		}
	}
}

// values walks the variables of the site.
func (c Config) values() iter.Seq2[variable, reflect.Value] { return valuesOf(c, siteVariables()) }

// values walks the variables of the provider, in the form without a number.
func (c ProviderConfig) values() iter.Seq2[variable, reflect.Value] {
	return valuesOf(c, providerVariables())
}

// The sections of the reference that others follow.
const (
	lastOfProvider = "Claims"
	beforeRules    = "Who may pass"
)

// inReference are all variables in the order of the reference: those of providers with
// numbers follow those of the one without, and those of rules those about who may pass.
func inReference() []variable {
	all := insertAfter(variables(), lastOfProvider, numberedVariables())
	return insertAfter(all, beforeRules, ruleVariables(rulePrefix))
}

func insertAfter(all []variable, section string, more []variable) []variable {
	last := 0
	for i, v := range all {
		if v.Section == section {
			last = i + 1
		}
	}
	return slices.Insert(all, last, more...)
}

// severalProviders is the section about providers with numbers.
const severalProviders = "Several OpenID providers"

// numberedVariables describes the variables of providers with numbers.
func numberedVariables() []variable {
	var all []variable
	for _, v := range providerVariables() {
		all = append(all, variable{
			Name: numberedName(v.Name, "<n>"), Section: severalProviders, Doc: "As " + v.Name + ".", Secret: v.Secret, List: v.List,
		})
	}
	return all
}

func describe(f reflect.StructField, section string, group int) variable {
	v := variable{
		Name:     f.Tag.Get("env"),
		Section:  section,
		Doc:      f.Tag.Get("doc"),
		Default:  f.Tag.Get("envDefault"),
		Absent:   f.Tag.Get("default"),
		Example:  f.Tag.Get("example"),
		Required: f.Tag.Get("required") == "true",
		Secret:   f.Type == secretType,
		List:     f.Type.Kind() == reflect.Slice,
		field:    f.Name,
		group:    group,
	}
	if words := f.Tag.Get("oneof"); words != "" {
		v.OneOf = strings.Split(words, "|")
	}
	return v
}
