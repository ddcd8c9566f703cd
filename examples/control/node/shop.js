// The app under test: a shop that publishes its orders.

export class Shop {
  constructor(pusher) {
    this.pusher = pusher
    this.unpublished = []
  }

  // Publishes the order, now or with the next one.
  async placeOrder(order) {
    this.unpublished.push(order)
    while (this.unpublished.length > 0) {
      try {
        await this.pusher.trigger("orders", "created", this.unpublished[0])
      } catch {
        return // the order is placed anyway
      }
      this.unpublished.shift()
    }
  }
}
