package session

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const scanned = "__Host-sallyport"

func TestFindCookie(t *testing.T) {
	many := strings.Repeat("a=b; ", 3001)
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = "x=y"
	}
	for name, test := range map[string]struct {
		fields []string
		sent   bool
		want   []string
	}{
		"none":                           {nil, false, nil},
		"alone":                          {[]string{scanned + "=VALID"}, true, []string{"VALID"}},
		"among others":                   {[]string{"a=b; " + scanned + "=VALID; c=d"}, true, []string{"VALID"}},
		"without spaces":                 {[]string{"a=b;" + scanned + "=VALID;c=d"}, true, []string{"VALID"}},
		"in a second field":              {[]string{"a=b", scanned + "=VALID"}, true, []string{"VALID"}},
		"base64url with padding":         {[]string{scanned + "=aA0-_w=="}, true, []string{"aA0-_w=="}},
		"CK-05 2900 parts":               {[]string{strings.Repeat(scanned+"_1=a; ", 2900)}, false, nil},
		"CK-06 3001 cookies, ours last":  {[]string{many + scanned + "=VALID"}, true, []string{"VALID"}},
		"CK-09 quoted":                   {[]string{scanned + `="VALID"`}, true, nil},
		"CK-09 space inside":             {[]string{scanned + "=VA LID"}, true, nil},
		"CK-09 space in front":           {[]string{scanned + "= VALID"}, true, nil},
		"CK-09 comma":                    {[]string{scanned + "=VALID,x"}, true, nil},
		"CK-09 empty":                    {[]string{scanned + "="}, true, nil},
		"CK-09 nameless":                 {[]string{"=" + scanned + "=VALID"}, false, nil},
		"name alone":                     {[]string{scanned}, false, nil},
		"CK-01 standard base64":          {[]string{scanned + "=VA+LI/D"}, true, nil},
		"CK-22 separators":               {[]string{";;; ;=;a; ==; " + scanned}, false, nil},
		"CK-22 empty field":              {[]string{""}, false, nil},
		"CK-22 spaces":                   {[]string{"   "}, false, nil},
		"CK-22 100 fields":               {append(hundred, scanned+"=VALID"), true, []string{"VALID"}},
		"CK-03 chunk count":              {[]string{scanned + "_chunks=99999999; " + scanned + "_1of1000000=x"}, false, nil},
		"longer name":                    {[]string{scanned + "x=VALID; x" + scanned + "=VALID"}, false, nil},
		"another case":                   {[]string{"__host-sallyport=VALID"}, false, nil},
		"space after the name":           {[]string{scanned + " =VALID"}, false, nil},
		"same value twice":               {[]string{scanned + "=VALID; " + scanned + "=VALID"}, true, []string{"VALID"}},
		"CK-07 tossed in front":          {[]string{scanned + "=EVIL; " + scanned + "=VALID"}, true, []string{"EVIL", "VALID"}},
		"malformed in front":             {[]string{scanned + `="x"; ` + scanned + "=; " + scanned + "=VALID"}, true, []string{"VALID"}},
		"more candidates than we try":    {[]string{scanned + "=A; " + scanned + "=B; " + scanned + "=C; " + scanned + "=D"}, true, []string{"A", "B", "C"}},
		"one byte too long":              {[]string{scanned + "=" + strings.Repeat("a", maxTicketValue+1)}, true, nil},
		"as long as may be":              {[]string{scanned + "=" + strings.Repeat("a", maxTicketValue)}, true, []string{strings.Repeat("a", maxTicketValue)}},
		"control character":              {[]string{scanned + "=VA\x00LID"}, true, nil},
		"not ASCII":                      {[]string{scanned + "=VÅLID"}, true, nil},
		"percent-encoded is not decoded": {[]string{scanned + "=VALI%44"}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := findCookie(http.Header{"Cookie": test.fields}, scanned, maxTicketValue)
			if got.sent != test.sent || !slices.Equal(got.all(), test.want) {
				t.Errorf("findCookie = sent %v, %q; want %v, %q", got.sent, got.all(), test.sent, test.want)
			}
		})
	}
}

func TestFindCookieDoesNotAllocate(t *testing.T) {
	h := http.Header{"Cookie": {"a=b; theme=dark; " + scanned + "=VALID; c=d"}}
	if n := testing.AllocsPerRun(100, func() {
		if c := findCookie(h, scanned, maxTicketValue); c.n != 1 {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("findCookie allocates %v times, want 0", n)
	}
}

// FuzzCookieScan compares the scan with net/http where both have an opinion:
// what we accept, net/http reads the same way.
func FuzzCookieScan(f *testing.F) {
	for _, field := range []string{
		"", ";;; ;=;a; ==; s", "s=VALID", `s="VALID"`, "s=VA LID", "a=b; s=x; s=y", "=s=VALID", "s=\x00", "\ts=a\t;\ts=b", "s =a", strings.Repeat("s=a;", 100),
	} {
		f.Add(field, field)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		h := http.Header{"Cookie": {first, second}}
		got := findCookie(h, "s", maxTicketValue)
		if got.n > 0 && !got.sent {
			t.Fatal("values of a cookie that was not sent")
		}
		theirs := (&http.Request{Header: h}).CookiesNamed("s")
		for i, value := range got.all() {
			if !isSealed(value, maxTicketValue) {
				t.Errorf("accepted %q", value)
			}
			if slices.Contains(got.all()[:i], value) {
				t.Errorf("%q twice", value)
			}
			if !slices.ContainsFunc(theirs, func(c *http.Cookie) bool { return c.Value == value && !c.Quoted }) {
				t.Errorf("%q is no value that net/http sees", value)
			}
		}
	})
}
