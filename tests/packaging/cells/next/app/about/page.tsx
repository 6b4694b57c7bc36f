import { ROOMS } from "../chat";

export default function Page() {
  return <p>Rooms: {ROOMS.join(", ")}</p>;
}
