package pages

import (
	_ "embed"

	"github.com/a-h/templ"
)

//go:embed assets/style.css
var style string

// The scripts of the stations of a kept form.
var (
	//go:embed assets/form-keep.js
	keepScript string
	//go:embed assets/form-return.js
	returnScript string
	//go:embed assets/form-resend.js
	resendScript string
)

// inline is an element with one of these files as it is, whose hash the policy names.
func inline(element, text string) templ.Component {
	return templ.Raw("<" + element + ">" + text + "</" + element + ">")
}

// signedInScript tells the page that opened a popup.
//
//go:embed assets/signed-in.js
var signedInScript string
