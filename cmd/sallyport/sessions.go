package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/session"
)

const sessionsUsage = "sessions wants one of: list USER, end ID, end --user USER"

// sessionsCommand is a command line of "sallyport sessions", read.
type sessionsCommand struct {
	verb     string // list or end
	user, id string // one of them
	adminURL string
	json     bool
}

// sessions lists or ends sessions by the API of a running process. It needs
// SALLYPORT_ADMIN_TOKEN and SALLYPORT_ADMIN_LISTEN alone and does not judge the rest.
func (p *process) sessions(ctx context.Context, args []string) int {
	cmd, problem := parseSessions(args)
	if problem != "" {
		return p.usage(problem)
	}
	c, f := readConfig(p.environ)
	for _, e := range configErrors(f.err()) {
		if strings.HasPrefix(e.Variable, adminTokenName) {
			fmt.Fprintf(p.stderr, "sallyport: %s\n", e)
			return exitUsage
		}
	}
	if c.Session.APIToken.IsEmpty() {
		fmt.Fprintf(p.stderr, "sallyport: %s is required; set it (or %s to a file that holds it) to the one that Sallyport was started with\n", adminTokenName, adminTokenName+fileSuffix)
		return exitUsage
	}
	client, err := newAdminClient(cmd.adminURL, c.Network.AdminListen, c.Session.APIToken)
	if err != nil {
		fmt.Fprintf(p.stderr, "sallyport: %v\n", err)
		return exitUsage
	}
	if err := cmd.run(ctx, client, p.stdout, p.now()); err != nil {
		fmt.Fprintf(p.stderr, "sallyport: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// parseSessions reads the command line; the problem is "" when it is right. An id
// may begin with a dash, which makes no flag of it.
func parseSessions(args []string) (cmd sessionsCommand, problem string) {
	var names []string
	for i := 0; i < len(args); i++ {
		if _, err := session.ParseHandle(args[i]); err == nil || !strings.HasPrefix(args[i], "-") {
			names = append(names, args[i])
			continue
		}
		flag, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		target, known := map[string]*string{"user": &cmd.user, "admin-url": &cmd.adminURL}[flag]
		switch {
		case flag == "json" && !hasValue:
			cmd.json = true
		case !known:
			return cmd, fmt.Sprintf("unknown flag %q", args[i])
		case hasValue:
			*target = value
		case i+1 == len(args):
			return cmd, fmt.Sprintf("%s needs a value", args[i])
		default:
			i++
			*target = args[i]
		}
	}
	return cmd.complete(names)
}

// complete adds the words that are no flags.
func (cmd sessionsCommand) complete(names []string) (sessionsCommand, string) {
	if len(names) == 0 {
		return cmd, sessionsUsage
	}
	cmd.verb = names[0]
	rest := strings.Join(names[1:], " ")
	switch {
	case cmd.verb != "list" && cmd.verb != "end":
		return cmd, fmt.Sprintf("%s, not %q", sessionsUsage, cmd.verb)
	case len(names) > 2 || (rest == "") == (cmd.user == ""):
		return cmd, sessionsUsage
	case cmd.user != "":
		return cmd, ""
	case cmd.verb == "list":
		cmd.user = rest
		return cmd, ""
	}
	if _, err := session.ParseHandle(rest); err != nil {
		return cmd, fmt.Sprintf("%q is no id of a session, as the list has it; to end all of a person: sessions end --user %s", rest, rest)
	}
	cmd.id = rest
	return cmd, ""
}

// run does what was asked for and prints the result.
func (cmd sessionsCommand) run(ctx context.Context, client *adminClient, stdout io.Writer, now time.Time) error {
	query := url.Values{}
	path := "/sessions"
	if cmd.user != "" {
		query.Set("user", cmd.user)
	} else {
		path += "/" + cmd.id
	}
	if cmd.verb == "list" {
		var list sessionList
		if err := client.ask(ctx, http.MethodGet, path, query, &list); err != nil {
			return err
		}
		return cmd.print(stdout, list, func() error { return printSessions(stdout, list.Sessions, now) })
	}
	var ended endedSessions
	if err := client.ask(ctx, http.MethodDelete, path, query, &ended); err != nil {
		return err
	}
	return cmd.print(stdout, ended, func() error {
		_, err := fmt.Fprintf(stdout, "%d session(s) ended\n", ended.Ended)
		return err
	})
}

func (cmd sessionsCommand) print(stdout io.Writer, result any, asText func() error) error {
	if cmd.json {
		return writeIndented(stdout, result)
	}
	return asText()
}

func printSessions(stdout io.Writer, list []listedSession, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(stdout, "no sessions")
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSUB\tE-MAIL\tDEVICE\tADDRESS\tSTARTED\tLAST SEEN")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s ago\n", s.ID, printable(s.Subject), printable(s.Email), printable(s.Device), printable(s.Address),
			s.CreatedAt.Format("2006-01-02 15:04Z"), max(now.Sub(s.LastSeen), 0).Truncate(time.Second))
	}
	return w.Flush()
}

// printable keeps a claim from moving the cursor of a terminal, or the table.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
