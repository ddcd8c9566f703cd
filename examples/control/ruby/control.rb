require "json"
require "net/http"

# The control API of `pusherctl serve`.
class Control
  BASE = ENV.fetch("PUSHERCTL_CONTROL", "http://127.0.0.1:6001/control")
  TOKEN = ENV["PUSHERCTL_CONTROL_TOKEN"]

  attr_reader :pusher_url

  # Creates an app that no other test process uses.
  def initialize
    app = call("Post", "/apps", {})
    @path = "/apps/#{app["id"]}"
    @pusher_url = app["pusher_url"]
  end

  # Returns the events on a channel, and waits up to 5 seconds until there are count.
  def events(channel, count: 1)
    call("Get", "#{@path}/events?#{URI.encode_www_form(channel: channel, count: count, wait: 5)}")["events"]
  end

  def fail_next(failure = {}) = call("Post", "#{@path}/failures", failure)
  def reset = call("Post", "#{@path}/reset")
  def delete = call("Delete", @path)

  private

  def call(method, path, body = nil)
    uri = URI(BASE + path)
    request = Net::HTTP.const_get(method).new(uri)
    request["Authorization"] = "Bearer #{TOKEN}" if TOKEN
    if body
      request["Content-Type"] = "application/json"
      request.body = JSON.generate(body)
    end
    response = Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https") { |http| http.request(request) }
    raise "#{method} #{path}: #{response.code} #{response.body}" unless response.is_a?(Net::HTTPSuccess)
    JSON.parse(response.body) if response.body && !response.body.empty?
  end
end
