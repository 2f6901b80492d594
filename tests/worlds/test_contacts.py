"""What a robot touches and holds, in a small scene: two fingers, a ball between them, one beside and one far away."""

from robovlms.worlds.contacts import Contacts, tree_of
from robovlms.worlds.gl import import_mujoco

SCENE = """
<mujoco><worldbody>
  <body name="arm"><geom size=".01" pos="0 0 1"/>
    <body name="left" pos="-.05 0 0"><geom type="box" size=".01 .05 .05"/>
      <body name="pad" pos=".01 0 0"><geom type="box" size=".01 .02 .02"/></body></body>
    <body name="right" pos=".05 0 0"><geom type="box" size=".01 .05 .05"/></body></body>
  <body name="held"><freejoint/><geom size=".041"/></body>
  <body name="beside" pos="-.1 0 0"><freejoint/><geom size=".041"/></body>
  <body name="far" pos="1 0 0"><freejoint/><geom size=".041"/></body>
  <body name="table" pos="0 0 -.051"><freejoint/><geom size=".02"/></body>
</worldbody></mujoco>
"""


def test_what_is_touched_and_what_is_held():
    mujoco = import_mujoco()
    model = mujoco.MjModel.from_xml_string(SCENE)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    body = {name: model.body(name).id for name in ("arm", "left", "right", "pad", "held", "beside", "far")}
    assert tree_of(model, body["arm"]) == {body[name] for name in ("arm", "left", "right", "pad")}
    fingers = tree_of(model, body["left"]), tree_of(model, body["right"])
    things = {body[name]: name for name in ("held", "beside", "far")}
    touched, pinched = Contacts(model, data, tree_of(model, body["arm"]), fingers, things).read()
    assert touched == {"held", "beside"}
    assert pinched == {"held"}
