package main

import (
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
	group int    // index of its group in Config
}

var secretType = reflect.TypeFor[secret.Text]()

// variables lists every variable in the order of Config.
func variables() []variable {
	var all []variable
	config := reflect.TypeFor[Config]()
	for g := range config.NumField() {
		section, ok := config.Field(g).Tag.Lookup("section")
		if !ok {
			continue
		}
		group := config.Field(g).Type
		for f := range group.NumField() {
			all = append(all, describe(group.Field(f), section, g))
		}
	}
	return all
}

// inReference are all variables in the order of the reference: those of rules follow
// those about who may pass.
func inReference() []variable {
	all := variables()
	last := 0
	for i, v := range all {
		if v.Section == "Who may pass" {
			last = i + 1
		}
	}
	return slices.Insert(all, last, ruleVariables(rulePrefix)...)
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
