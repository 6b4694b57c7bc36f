import { ROOMS } from "./chat";
import { Outcome } from "./Outcome";
import { Room } from "./Room";

export default function Page() {
  return (
    <main>
      <Room room={ROOMS[0]} />
      <Outcome room={ROOMS[0]} />
    </main>
  );
}
