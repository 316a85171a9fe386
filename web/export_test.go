package web

// The seams the tests reach through: any program instead of the page's, any
// files instead of static.
var (
	BuildPackage = build
	NewHandler   = newHandler
)
