// Each line below a comment that begins with "want:" must be a compile error with
// that text. The test compiles this file and compares.
import type { components, operations } from "./openapi.js";

type Schemas = components["schemas"];
type ListQuery = NonNullable<operations["listChannels"]["parameters"]["query"]>;
type ChannelQuery = NonNullable<operations["getChannel"]["parameters"]["query"]>;

// want: Type '{ name: string; data: string; }' is not assignable to type
export const withoutChannels: Schemas["TriggerRequest"] = { name: "foo", data: "bar" };

// want: Property 'data' is missing in type
export const withoutData: Schemas["BatchEvent"] = { name: "foo", channel: "prices" };

// want: Type 'number' is not assignable to type 'string'.
export const dataNotString: Schemas["TriggerRequest"] = { name: "foo", channel: "prices", data: 1 };

// want: Type '"cache"' is not assignable to type '"user_count"'.
export const attributeOfList: ListQuery["info"] = "cache";

// want: Type 'string[]' is not assignable to type 'string'.
export const attributesAsArray: ChannelQuery["info"] = ["user_count"];
