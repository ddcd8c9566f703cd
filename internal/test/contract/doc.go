// Package contract tests openapi.yaml.
//
// The document by itself: it is valid and portable, its operations and their security
// are those of the API, its examples conform to its schemas, its schemas reject what
// the API rejects, and its code samples run.
//
// The document and the code: the tests named TestPackage compare it with the
// hand-written packages in both directions. After a change of the document, their
// messages name what to extend.
//
// That the generated code is up to date is tested by package architecture. The
// samples for the shell need bash, openssl and curl.
package contract
