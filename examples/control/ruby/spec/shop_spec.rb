require_relative "../control"
require_relative "../shop"
require_relative "../signed_publisher"

RSpec.describe Shop do
  control = Control.new
  let(:shop) { Shop.new(SignedPublisher.new(control.pusher_url)) }

  after { control.reset }
  after(:all) { control.delete }

  it "publishes an order" do
    shop.place_order({id: 7, total: 1999})

    event = control.events("orders").first
    expect(event["name"]).to eq("created")
    expect(JSON.parse(event["data"])).to eq("id" => 7, "total" => 1999)
  end

  it "publishes an order that was placed while Pusher failed" do
    control.fail_next(status: 503, body: "Service unavailable\n", path: "/events")
    shop.place_order({id: 8})
    expect(shop.unpublished).to eq([{id: 8}])

    shop.place_order({id: 9})
    ids = control.events("orders", count: 2).map { |event| JSON.parse(event["data"])["id"] }
    expect(ids).to eq([8, 9])
  end

  it "places an order when the connection is lost" do
    control.fail_next
    shop.place_order({id: 10})
    expect(shop.unpublished).to eq([{id: 10}])
  end
end
