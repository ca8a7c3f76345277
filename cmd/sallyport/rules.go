package main

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/sallyport/sallyport/proxy/policy"
)

// ruleName matches the variables of rules.
var ruleName = regexp.MustCompile(`^SALLYPORT_RULE_([0-9]+)_([A-Z0-9_]+)$`)

// rulePrefix is what the names of a rule's variables begin with in the reference.
const rulePrefix = "SALLYPORT_RULE_<n>_"

// RuleConfig is one per-path rule. Its variables are SALLYPORT_RULE_<n>_ and the
// names here.
type RuleConfig struct {
	Paths           []string      `env:"PATHS" default:"required in each rule" example:"/admin/**" doc:"Paths that the rule is about, as in SALLYPORT_PUBLIC_PATHS. Rules are tried by rising n; the first that matches decides, and where no rule matches, SALLYPORT_PUBLIC_PATHS is looked at. Slashes at the end and the case of letters make no difference, unless the rule lets everybody through."`
	Methods         []string      `env:"METHODS" default:"any" example:"POST,DELETE" doc:"Methods that the rule is about, in capitals; GET includes HEAD."`
	Groups          []string      `env:"GROUPS" default:"any" example:"admins" doc:"Groups of which the person has to be in one."`
	Emails          []string      `env:"EMAILS" default:"any" example:"alice@example.com,@corp.example.com" doc:"E-mail addresses, or @ and a domain, of which one has to be the person's."`
	IDPs            []string      `env:"IDPS" default:"any" example:"staff" doc:"Providers of which the session has to come from one, by SALLYPORT_OIDC_ID: what another provider says of groups, addresses and claims opens nothing here."`
	Claims          []string      `env:"CLAIMS" default:"any" example:"department=it,level=*,level!=guest" doc:"What claims have to be: claim=value, claim!=value, claim=* (it has a value) or claim!=* (it has none). Those with = and a value for one claim are alternatives; apart from that each has to hold. A claim that is absent passes claim!=value: add claim=* where it has to be there."`
	ACR             []string      `env:"ACR" default:"any" example:"urn:example:gold" doc:"acr: the session must have begun with a sign-in of one of these kinds; otherwise the person is sent to the provider for one."`
	MaxAge          time.Duration `env:"MAX_AGE" default:"any" example:"15m" doc:"How long ago the person may have signed in at the provider; otherwise they are asked to again."`
	Unauthenticated string        `env:"UNAUTHENTICATED" envDefault:"login" oneof:"login|deny|allow" doc:"What a request without a session gets: the sign-in if it is a navigation, 401 in any case, or the app, which is then told of nobody."`
	ReportOnly      bool          `env:"REPORT_ONLY" envDefault:"false" doc:"Only say in log and metrics what the rule would have done, and go on with the next one."`
}

// ruleVariables describes the variables of a rule.
func ruleVariables(prefix string) []variable {
	var all []variable
	rule := reflect.TypeFor[RuleConfig]()
	for f := range rule.NumField() {
		v := describe(rule.Field(f), "Rules for paths", 0)
		v.Name = prefix + v.Name
		all = append(all, v)
	}
	return all
}

// readRules takes the variables of rules out of set and reads them.
func readRules(set map[string]string, f *faults) []policy.Rule {
	numbers := make(map[int]bool)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		m := ruleName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		number, err := strconv.Atoi(m[1])
		prefix := strings.TrimSuffix(name, m[2])
		known := ruleVariables(prefix)
		switch {
		case err != nil || number < 1 || strconv.Itoa(number) != m[1]:
			f.add(name, "has the number "+m[1], "number rules from 1, without zeros in front")
		case !slices.ContainsFunc(known, func(v variable) bool { return v.Name == name }):
			f.add(name, "is not a variable of a rule", unknownRemedy(nearest(name, namesOf(known))))
		default:
			numbers[number] = true
			continue
		}
		delete(set, name)
	}
	var rules []policy.Rule
	for _, number := range slices.Sorted(maps.Keys(numbers)) {
		rules = append(rules, readRule(number, set, f))
	}
	return rules
}

func namesOf(vars []variable) []string {
	var all []string
	for _, v := range vars {
		all = append(all, v.Name)
	}
	return all
}

// readRule reads one rule and takes its variables out of set.
func readRule(number int, set map[string]string, f *faults) policy.Rule {
	prefix := fmt.Sprintf("SALLYPORT_RULE_%d_", number)
	vars := ruleVariables(prefix)
	own := make(map[string]string)
	for _, v := range vars {
		value, given := set[v.Name]
		delete(set, v.Name)
		switch {
		case given && value == "" && v.List:
			f.unreadable(v.Name, "is set but empty, which would let more people in than it seems", "give it a value, or remove it")
		case given && value != "":
			own[v.Name] = value
			if len(v.OneOf) > 0 && !slices.Contains(v.OneOf, value) {
				f.unreadable(v.Name, fmt.Sprintf("is %q", value), "use "+alternatives(v.OneOf))
			}
		}
	}
	var c RuleConfig
	err := env.ParseWithOptions(&c, env.Options{Environment: own, Prefix: prefix, FuncMap: parsers()})
	noteParseErrors(err, 0, vars, f)
	rule := policy.Rule{
		Number: number, Paths: c.Paths, Methods: c.Methods, Groups: c.Groups, Emails: c.Emails, IDPs: c.IDPs, Claims: c.Claims, ACR: c.ACR,
		Unauthenticated: policy.Unauthenticated(cmp.Or(c.Unauthenticated, string(policy.Login))), ReportOnly: c.ReportOnly,
	}
	if _, given := own[prefix+"MAX_AGE"]; given && !f.isBroken(prefix+"MAX_AGE") {
		rule.MaxAge = &c.MaxAge
	}
	return rule
}
