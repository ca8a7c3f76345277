package main

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kubernetesService matches what Kubernetes injects into every pod of a
// namespace that has a Service named sallyport (docker-links form). Nobody set
// these by hand, so they are passed over.
var kubernetesService = regexp.MustCompile(`^SALLYPORT_(PORT|SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// refuseUnknown reports each name that no variable has.
func refuseUnknown(set map[string]string, vars []variable, f *faults) {
	known := make(map[string]bool, 2*len(vars))
	for _, v := range vars {
		known[v.Name] = true
		if v.Secret {
			known[v.Name+fileSuffix] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		switch {
		case known[name], kubernetesService.MatchString(name):
		default:
			f.add(name, "is not a variable of Sallyport", unknownRemedy(nearestNumbered(name, slices.Sorted(maps.Keys(known)))))
		}
	}
}

// numberInName matches the number that a name seems to have been given.
var numberInName = regexp.MustCompile(`_?([1-9][0-9]?)(_|$)`)

// nearestNumbered is nearest for a name that may be meant for a provider with a number,
// which may stand in the wrong place.
func nearestNumbered(name string, known []string) string {
	m := numberInName.FindStringSubmatchIndex(name)
	if m == nil {
		return nearest(name, known)
	}
	n, err := strconv.Atoi(name[m[2]:m[3]])
	if err != nil {
		return nearest(name, known)
	}
	return numberedNames(n).of(nearest(name[:m[0]]+name[m[4]:], known))
}

// unknownRemedy suggests the nearest name; "" = none is near.
func unknownRemedy(near string) string {
	if near != "" {
		return "did you mean " + near + "?"
	}
	return "remove it; sallyport config lists the variables"
}

// nearest returns the name that differs least from the given one, or "" when
// none is near: at most three fifths of what follows the common prefix may differ.
func nearest(name string, known []string) string {
	best, bestDistance := "", len(name)
	for _, k := range known {
		if d := distance(name, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if bestDistance > max(2, len(strings.TrimPrefix(name, namePrefix))*3/5) {
		return ""
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours between two names (optimal string alignment), byte by byte.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
