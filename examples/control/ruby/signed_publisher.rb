require "digest"
require "json"
require "net/http"
require "openssl"

# Publishes with the standard library alone. Real apps use the gem "pusher", whose
# Pusher::Client.from_url(url) has the same method trigger.
class SignedPublisher
  def initialize(url)
    @url = URI(url)
  end

  def trigger(channel, event, data)
    body = JSON.generate(name: event, channels: [channel], data: JSON.generate(data))
    query = "auth_key=#{@url.user}&auth_timestamp=#{Time.now.to_i}&auth_version=1.0&body_md5=#{Digest::MD5.hexdigest(body)}"
    path = "#{@url.path}/events"
    signature = OpenSSL::HMAC.hexdigest("SHA256", @url.password, "POST\n#{path}\n#{query}")
    response = Net::HTTP.start(@url.host, @url.port, use_ssl: @url.scheme == "https") do |http|
      http.post("#{path}?#{query}&auth_signature=#{signature}", body, "Content-Type" => "application/json")
    end
    raise IOError, "#{response.code} #{response.body}" unless response.is_a?(Net::HTTPSuccess)
  end
end
