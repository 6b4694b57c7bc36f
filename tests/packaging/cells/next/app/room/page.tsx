import { ROOMS } from "../chat";
import { Room } from "../Room";

export default function Page() {
  return <main><Room room={ROOMS[0]} /></main>;
}
