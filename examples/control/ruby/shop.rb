# The app under test: a shop that publishes its orders.
class Shop
  attr_reader :unpublished

  def initialize(pusher)
    @pusher = pusher
    @unpublished = []
  end

  # Publishes the order, now or with the next one.
  def place_order(order)
    unpublished << order
    until unpublished.empty?
      @pusher.trigger("orders", "created", unpublished.first)
      unpublished.shift
    end
  rescue IOError, SystemCallError
    # The order is placed anyway.
  end
end
