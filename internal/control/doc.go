// Package control has the apps of pusherctl serve and its control API: tests in any
// language, and the console, see what the apps publish and who is connected, and simulate
// failures.
//
//   - [Apps] routes requests of the Pusher API to the server of their app.
//   - [NewHandler] returns the handler of the control API, which openapi.yaml describes.
//   - [Guard] rejects requests of pages of other origins.
package control
