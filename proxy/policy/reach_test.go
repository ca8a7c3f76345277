package policy

import (
	"strings"
	"testing"
)

// A rule that can never decide is a slip, and so is one that opens everything.
func TestUnreachableRules(t *testing.T) {
	all := []string{"/**"}
	for _, tc := range []struct {
		name  string
		rules []Rule
		want  []string // parts of the only fault; none = there is no fault
	}{
		{"behind everything", []Rule{{Number: 10, Paths: all}, {Number: 20, Paths: []string{"/admin/**"}, Groups: []string{"admins"}}}, []string{"SALLYPORT_RULE_20_PATHS: covers nothing", "SALLYPORT_RULE_10_PATHS", "lower number"}},
		{"the same again", []Rule{{Number: 1, Paths: []string{"/a", "/b/*"}}, {Number: 2, Paths: []string{"/b/*"}, Methods: []string{"GET"}}}, []string{"SALLYPORT_RULE_2_PATHS: covers nothing"}},
		{"below it", []Rule{{Number: 1, Paths: []string{"/b/**"}, Methods: []string{"GET"}}, {Number: 2, Paths: []string{"/b/*/c"}, Methods: []string{"HEAD"}}}, []string{"SALLYPORT_RULE_2_PATHS: covers nothing"}},
		{"a method that no request has", []Rule{{Number: 1, Paths: all, Methods: []string{"FETCH"}}}, []string{"SALLYPORT_RULE_1_METHODS: ", "no request may have"}},
		{"PA-12 CONNECT", []Rule{{Number: 1, Paths: all, Methods: []string{"CONNECT"}}}, []string{"SALLYPORT_RULE_1_METHODS: ", "no request may have"}},
		{"PA-15 lower case", []Rule{{Number: 1, Paths: all, Methods: []string{"get"}}}, []string{"SALLYPORT_RULE_1_METHODS: ", "write GET"}},
		{"every method", []Rule{{Number: 1, Paths: all, Methods: []string{"*"}}}, []string{"SALLYPORT_RULE_1_METHODS: ", "leave the variable out"}},
		{"allow everything", []Rule{{Number: 1, Paths: all, Unauthenticated: Allow}}, []string{"SALLYPORT_RULE_1_UNAUTHENTICATED: ", "nobody would ever have to sign in"}},
		{"allow everything but a report", []Rule{{Number: 1, Paths: []string{"/a"}, ReportOnly: true}, {Number: 2, Paths: all, Unauthenticated: Allow}}, []string{"SALLYPORT_RULE_2_UNAUTHENTICATED: "}},
		{"behind what lets everybody through", []Rule{{Number: 1, Paths: []string{"/a/**"}, Unauthenticated: Allow}, {Number: 2, Paths: []string{"/a/**"}, Groups: []string{"g"}}}, []string{"SALLYPORT_RULE_2_PATHS: covers nothing"}},

		{"out of order", []Rule{{Number: 20, Paths: all}, {Number: 10, Paths: []string{"/a/**"}}}, nil},
		{"a report shadows nothing", []Rule{{Number: 1, Paths: all, ReportOnly: true}, {Number: 2, Paths: all}}, nil},
		{"by method", []Rule{{Number: 1, Paths: all, Methods: []string{"GET"}}, {Number: 2, Paths: all, Methods: []string{"POST"}}}, nil},
		{"wider than what came first", []Rule{{Number: 1, Paths: []string{"/a/*"}}, {Number: 2, Paths: []string{"/a/**"}}}, nil},
		{"a * is not empty", []Rule{{Number: 1, Paths: []string{"/a/*/**"}}, {Number: 2, Paths: []string{"/a/"}}}, nil},
		{"everything else optional", []Rule{{Number: 1, Paths: []string{"/admin/**"}}, {Number: 2, Paths: all, Unauthenticated: Allow}}, nil},
		{"reading optional", []Rule{{Number: 1, Paths: all, Methods: []string{"GET"}, Unauthenticated: Allow}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(Config{Rules: tc.rules})
			if (err != nil) != (tc.want != nil) || err != nil && strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, want one fault: %v", err, tc.want != nil)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not contain %q", err, part)
				}
			}
		})
	}
}
