package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/internal/migrate"
)

// migrate prints what the environment of another product is in ours, as a file
// that can be completed. What has no counterpart is said in comments.
func (p *process) migrate(args []string) int {
	var names []string
	for _, product := range migrate.Products() {
		names = append(names, product.Name)
		if len(args) != 1 || args[0] != product.Name {
			continue
		}
		result := product.Translate(p.environ)
		if len(result.Settings) == 0 {
			fmt.Fprintf(p.stderr, "sallyport: the environment has no settings of %s; run this where they are set, say after: set -a; . ./old.env\n", product.Name)
			return exitFailed
		}
		writeMigration(p.stdout, product.Name, result)
		return exitOK
	}
	return p.usage("migrate wants one of: " + strings.Join(names, ", "))
}

func writeMigration(w io.Writer, product string, r migrate.Result) {
	fmt.Fprintf(w, "# Sallyport's environment, from that of %s. Complete it, then run: sallyport check\n", product)
	for _, s := range r.Settings {
		fmt.Fprintln(w)
		if s.Remark != "" {
			fmt.Fprintf(w, "# %s\n", s.Remark)
		}
		fmt.Fprintf(w, "%s=%s\n", s.Name, s.Value)
	}
	if len(r.Notes) == 0 {
		return
	}
	fmt.Fprintf(w, "\n# To be looked at:\n")
	for _, n := range r.Notes {
		if n.Variable == "" {
			fmt.Fprintf(w, "#\n# %s\n", n.Text)
			continue
		}
		fmt.Fprintf(w, "#\n# %s %s\n", n.Variable, n.Text)
	}
}
