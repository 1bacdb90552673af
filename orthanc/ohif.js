/**
 * Configuration for Orthanc's OHIF plugin: radiographs hang by Plainview's decisions.
 * Use it in Orthanc's configuration: "OHIF": { "DataSource": "dicom-web", "UserConfiguration": "/etc/orthanc/ohif.js" }.
 * Add the site's own settings at the end of this file, as `window.config.… = …`.
 *
 * When a study opens, this file requests its hanging from Plainview under Orthanc's address (/plainview/, which
 * orthanc/explorer_plugin.py serves). OHIF uses its default hanging if there is no answer in time, no protocol fits, or
 * a picture is missing.
 *
 * A site's own protocols can use these attributes of a display set: plainviewCategory, plainviewSide (R, L, B),
 * plainviewScore (0 to 1), plainviewState, plainviewTurned (clockwise degrees that bring it upright),
 * plainviewMirrored (true where a chest is mirrored, or its organs are). An attribute without a known value is absent.
 */
(() => {
  // `plainview ohif` writes these modalities from PLAINVIEW_MODALITIES, and the protocols from PLAINVIEW_HANGING_FILE.
  // biome-ignore format: as it is written
  const modalities = ["CR","DX","RG","PX","IO"];
  // biome-ignore format: one line per protocol
  const protocols = [
    {"id":"chest-priors","title":"Chest, with prior","rows":2,"columns":2,"cells":[{"place":"chest-priors/1","row":1,"column":1,"prior":false},{"place":"chest-priors/2","row":1,"column":2,"prior":false},{"place":"chest-priors/3","row":2,"column":1,"prior":true},{"place":"chest-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"chest-prior-frontal","title":"Chest, with prior frontal","rows":1,"columns":3,"cells":[{"place":"chest-prior-frontal/1","row":1,"column":1,"prior":false},{"place":"chest-prior-frontal/2","row":1,"column":2,"prior":false},{"place":"chest-prior-frontal/3","row":1,"column":3,"prior":true}]},
    {"id":"chest","title":"Chest","rows":1,"columns":2,"cells":[{"place":"chest/1","row":1,"column":1,"prior":false},{"place":"chest/2","row":1,"column":2,"prior":false}]},
    {"id":"abdomen","title":"Abdomen","rows":1,"columns":2,"cells":[{"place":"abdomen/1","row":1,"column":1,"prior":false},{"place":"abdomen/2","row":1,"column":2,"prior":false}]},
    {"id":"spine-whole","title":"Whole spine","rows":2,"columns":3,"cells":[{"place":"spine-whole/1","row":1,"column":1,"prior":false},{"place":"spine-whole/2","row":1,"column":2,"prior":false},{"place":"spine-whole/3","row":1,"column":3,"prior":false},{"place":"spine-whole/4","row":2,"column":1,"prior":false},{"place":"spine-whole/5","row":2,"column":2,"prior":false},{"place":"spine-whole/6","row":2,"column":3,"prior":false}]},
    {"id":"spine-thoracic-lumbar","title":"Thoracic and lumbar spine","rows":1,"columns":4,"cells":[{"place":"spine-thoracic-lumbar/1","row":1,"column":1,"prior":false},{"place":"spine-thoracic-lumbar/2","row":1,"column":2,"prior":false},{"place":"spine-thoracic-lumbar/3","row":1,"column":3,"prior":false},{"place":"spine-thoracic-lumbar/4","row":1,"column":4,"prior":false}]},
    {"id":"cervical-spine-priors","title":"Spine (cervical), with prior","rows":2,"columns":2,"cells":[{"place":"cervical-spine-priors/1","row":1,"column":1,"prior":false},{"place":"cervical-spine-priors/2","row":1,"column":2,"prior":false},{"place":"cervical-spine-priors/3","row":2,"column":1,"prior":true},{"place":"cervical-spine-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"thoracic-spine-priors","title":"Spine (thoracic), with prior","rows":2,"columns":2,"cells":[{"place":"thoracic-spine-priors/1","row":1,"column":1,"prior":false},{"place":"thoracic-spine-priors/2","row":1,"column":2,"prior":false},{"place":"thoracic-spine-priors/3","row":2,"column":1,"prior":true},{"place":"thoracic-spine-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"lumbar-spine-priors","title":"Spine (lumbar), with prior","rows":2,"columns":2,"cells":[{"place":"lumbar-spine-priors/1","row":1,"column":1,"prior":false},{"place":"lumbar-spine-priors/2","row":1,"column":2,"prior":false},{"place":"lumbar-spine-priors/3","row":2,"column":1,"prior":true},{"place":"lumbar-spine-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"cervical-spine","title":"Spine (cervical)","rows":1,"columns":2,"cells":[{"place":"cervical-spine/1","row":1,"column":1,"prior":false},{"place":"cervical-spine/2","row":1,"column":2,"prior":false}]},
    {"id":"thoracic-spine","title":"Spine (thoracic)","rows":1,"columns":2,"cells":[{"place":"thoracic-spine/1","row":1,"column":1,"prior":false},{"place":"thoracic-spine/2","row":1,"column":2,"prior":false}]},
    {"id":"lumbar-spine","title":"Spine (lumbar)","rows":1,"columns":2,"cells":[{"place":"lumbar-spine/1","row":1,"column":1,"prior":false},{"place":"lumbar-spine/2","row":1,"column":2,"prior":false}]},
    {"id":"hips","title":"Hips","rows":1,"columns":3,"cells":[{"place":"hips/1","row":1,"column":1,"prior":false},{"place":"hips/2","row":1,"column":2,"prior":false},{"place":"hips/3","row":1,"column":3,"prior":false}]},
    {"id":"hip","title":"Hip","rows":1,"columns":2,"cells":[{"place":"hip/1","row":1,"column":1,"prior":false},{"place":"hip/2","row":1,"column":2,"prior":false}]},
    {"id":"knees-patella","title":"Knees and patellae, both sides","rows":2,"columns":4,"cells":[{"place":"knees-patella/1","row":1,"column":1,"prior":false},{"place":"knees-patella/2","row":1,"column":2,"prior":false},{"place":"knees-patella/3","row":1,"column":3,"prior":false},{"place":"knees-patella/4","row":1,"column":4,"prior":false},{"place":"knees-patella/5","row":2,"column":1,"prior":false},{"place":"knees-patella/8","row":2,"column":4,"prior":false}]},
    {"id":"knee-patella","title":"Knee and patella","rows":1,"columns":3,"cells":[{"place":"knee-patella/1","row":1,"column":1,"prior":false},{"place":"knee-patella/2","row":1,"column":2,"prior":false},{"place":"knee-patella/3","row":1,"column":3,"prior":false}]},
    {"id":"elbow-both","title":"Both sides (elbow)","rows":2,"columns":2,"cells":[{"place":"elbow-both/1","row":1,"column":1,"prior":false},{"place":"elbow-both/2","row":1,"column":2,"prior":false},{"place":"elbow-both/3","row":2,"column":1,"prior":false},{"place":"elbow-both/4","row":2,"column":2,"prior":false}]},
    {"id":"wrist-both","title":"Both sides (wrist)","rows":2,"columns":2,"cells":[{"place":"wrist-both/1","row":1,"column":1,"prior":false},{"place":"wrist-both/2","row":1,"column":2,"prior":false},{"place":"wrist-both/3","row":2,"column":1,"prior":false},{"place":"wrist-both/4","row":2,"column":2,"prior":false}]},
    {"id":"knee-both","title":"Both sides (knee)","rows":2,"columns":2,"cells":[{"place":"knee-both/1","row":1,"column":1,"prior":false},{"place":"knee-both/2","row":1,"column":2,"prior":false},{"place":"knee-both/3","row":2,"column":1,"prior":false},{"place":"knee-both/4","row":2,"column":2,"prior":false}]},
    {"id":"ankle-both","title":"Both sides (ankle)","rows":2,"columns":2,"cells":[{"place":"ankle-both/1","row":1,"column":1,"prior":false},{"place":"ankle-both/2","row":1,"column":2,"prior":false},{"place":"ankle-both/3","row":2,"column":1,"prior":false},{"place":"ankle-both/4","row":2,"column":2,"prior":false}]},
    {"id":"finger-both","title":"Both sides (finger)","rows":2,"columns":2,"cells":[{"place":"finger-both/1","row":1,"column":1,"prior":false},{"place":"finger-both/2","row":1,"column":2,"prior":false},{"place":"finger-both/3","row":2,"column":1,"prior":false},{"place":"finger-both/4","row":2,"column":2,"prior":false}]},
    {"id":"femur-both","title":"Both sides (femur)","rows":2,"columns":2,"cells":[{"place":"femur-both/1","row":1,"column":1,"prior":false},{"place":"femur-both/2","row":1,"column":2,"prior":false},{"place":"femur-both/3","row":2,"column":1,"prior":false},{"place":"femur-both/4","row":2,"column":2,"prior":false}]},
    {"id":"lower_leg-both","title":"Both sides (lower_leg)","rows":2,"columns":2,"cells":[{"place":"lower_leg-both/1","row":1,"column":1,"prior":false},{"place":"lower_leg-both/2","row":1,"column":2,"prior":false},{"place":"lower_leg-both/3","row":2,"column":1,"prior":false},{"place":"lower_leg-both/4","row":2,"column":2,"prior":false}]},
    {"id":"toe-both","title":"Both sides (toe)","rows":2,"columns":2,"cells":[{"place":"toe-both/1","row":1,"column":1,"prior":false},{"place":"toe-both/2","row":1,"column":2,"prior":false},{"place":"toe-both/3","row":2,"column":1,"prior":false},{"place":"toe-both/4","row":2,"column":2,"prior":false}]},
    {"id":"humerus-both","title":"Both sides (humerus)","rows":2,"columns":2,"cells":[{"place":"humerus-both/1","row":1,"column":1,"prior":false},{"place":"humerus-both/2","row":1,"column":2,"prior":false},{"place":"humerus-both/3","row":2,"column":1,"prior":false},{"place":"humerus-both/4","row":2,"column":2,"prior":false}]},
    {"id":"forearm-both","title":"Both sides (forearm)","rows":2,"columns":2,"cells":[{"place":"forearm-both/1","row":1,"column":1,"prior":false},{"place":"forearm-both/2","row":1,"column":2,"prior":false},{"place":"forearm-both/3","row":2,"column":1,"prior":false},{"place":"forearm-both/4","row":2,"column":2,"prior":false}]},
    {"id":"thumb-both","title":"Both sides (thumb)","rows":2,"columns":2,"cells":[{"place":"thumb-both/1","row":1,"column":1,"prior":false},{"place":"thumb-both/2","row":1,"column":2,"prior":false},{"place":"thumb-both/3","row":2,"column":1,"prior":false},{"place":"thumb-both/4","row":2,"column":2,"prior":false}]},
    {"id":"scapula-both","title":"Both sides (scapula)","rows":2,"columns":2,"cells":[{"place":"scapula-both/1","row":1,"column":1,"prior":false},{"place":"scapula-both/2","row":1,"column":2,"prior":false},{"place":"scapula-both/3","row":2,"column":1,"prior":false},{"place":"scapula-both/4","row":2,"column":2,"prior":false}]},
    {"id":"leg_full_length-both","title":"Both sides (leg_full_length)","rows":2,"columns":2,"cells":[{"place":"leg_full_length-both/1","row":1,"column":1,"prior":false},{"place":"leg_full_length-both/2","row":1,"column":2,"prior":false},{"place":"leg_full_length-both/3","row":2,"column":1,"prior":false},{"place":"leg_full_length-both/4","row":2,"column":2,"prior":false}]},
    {"id":"elbow-priors","title":"AP and lateral (elbow), with prior","rows":2,"columns":2,"cells":[{"place":"elbow-priors/1","row":1,"column":1,"prior":false},{"place":"elbow-priors/2","row":1,"column":2,"prior":false},{"place":"elbow-priors/3","row":2,"column":1,"prior":true},{"place":"elbow-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"wrist-priors","title":"AP and lateral (wrist), with prior","rows":2,"columns":2,"cells":[{"place":"wrist-priors/1","row":1,"column":1,"prior":false},{"place":"wrist-priors/2","row":1,"column":2,"prior":false},{"place":"wrist-priors/3","row":2,"column":1,"prior":true},{"place":"wrist-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"knee-priors","title":"AP and lateral (knee), with prior","rows":2,"columns":2,"cells":[{"place":"knee-priors/1","row":1,"column":1,"prior":false},{"place":"knee-priors/2","row":1,"column":2,"prior":false},{"place":"knee-priors/3","row":2,"column":1,"prior":true},{"place":"knee-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"ankle-priors","title":"AP and lateral (ankle), with prior","rows":2,"columns":2,"cells":[{"place":"ankle-priors/1","row":1,"column":1,"prior":false},{"place":"ankle-priors/2","row":1,"column":2,"prior":false},{"place":"ankle-priors/3","row":2,"column":1,"prior":true},{"place":"ankle-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"finger-priors","title":"AP and lateral (finger), with prior","rows":2,"columns":2,"cells":[{"place":"finger-priors/1","row":1,"column":1,"prior":false},{"place":"finger-priors/2","row":1,"column":2,"prior":false},{"place":"finger-priors/3","row":2,"column":1,"prior":true},{"place":"finger-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"femur-priors","title":"AP and lateral (femur), with prior","rows":2,"columns":2,"cells":[{"place":"femur-priors/1","row":1,"column":1,"prior":false},{"place":"femur-priors/2","row":1,"column":2,"prior":false},{"place":"femur-priors/3","row":2,"column":1,"prior":true},{"place":"femur-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"lower_leg-priors","title":"AP and lateral (lower_leg), with prior","rows":2,"columns":2,"cells":[{"place":"lower_leg-priors/1","row":1,"column":1,"prior":false},{"place":"lower_leg-priors/2","row":1,"column":2,"prior":false},{"place":"lower_leg-priors/3","row":2,"column":1,"prior":true},{"place":"lower_leg-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"toe-priors","title":"AP and lateral (toe), with prior","rows":2,"columns":2,"cells":[{"place":"toe-priors/1","row":1,"column":1,"prior":false},{"place":"toe-priors/2","row":1,"column":2,"prior":false},{"place":"toe-priors/3","row":2,"column":1,"prior":true},{"place":"toe-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"humerus-priors","title":"AP and lateral (humerus), with prior","rows":2,"columns":2,"cells":[{"place":"humerus-priors/1","row":1,"column":1,"prior":false},{"place":"humerus-priors/2","row":1,"column":2,"prior":false},{"place":"humerus-priors/3","row":2,"column":1,"prior":true},{"place":"humerus-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"forearm-priors","title":"AP and lateral (forearm), with prior","rows":2,"columns":2,"cells":[{"place":"forearm-priors/1","row":1,"column":1,"prior":false},{"place":"forearm-priors/2","row":1,"column":2,"prior":false},{"place":"forearm-priors/3","row":2,"column":1,"prior":true},{"place":"forearm-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"thumb-priors","title":"AP and lateral (thumb), with prior","rows":2,"columns":2,"cells":[{"place":"thumb-priors/1","row":1,"column":1,"prior":false},{"place":"thumb-priors/2","row":1,"column":2,"prior":false},{"place":"thumb-priors/3","row":2,"column":1,"prior":true},{"place":"thumb-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"scapula-priors","title":"AP and lateral (scapula), with prior","rows":2,"columns":2,"cells":[{"place":"scapula-priors/1","row":1,"column":1,"prior":false},{"place":"scapula-priors/2","row":1,"column":2,"prior":false},{"place":"scapula-priors/3","row":2,"column":1,"prior":true},{"place":"scapula-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"leg_full_length-priors","title":"AP and lateral (leg_full_length), with prior","rows":2,"columns":2,"cells":[{"place":"leg_full_length-priors/1","row":1,"column":1,"prior":false},{"place":"leg_full_length-priors/2","row":1,"column":2,"prior":false},{"place":"leg_full_length-priors/3","row":2,"column":1,"prior":true},{"place":"leg_full_length-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"skull-priors","title":"AP and lateral (skull), with prior","rows":2,"columns":2,"cells":[{"place":"skull-priors/1","row":1,"column":1,"prior":false},{"place":"skull-priors/2","row":1,"column":2,"prior":false},{"place":"skull-priors/3","row":2,"column":1,"prior":true},{"place":"skull-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"sacrum-priors","title":"AP and lateral (sacrum), with prior","rows":2,"columns":2,"cells":[{"place":"sacrum-priors/1","row":1,"column":1,"prior":false},{"place":"sacrum-priors/2","row":1,"column":2,"prior":false},{"place":"sacrum-priors/3","row":2,"column":1,"prior":true},{"place":"sacrum-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"coccyx-priors","title":"AP and lateral (coccyx), with prior","rows":2,"columns":2,"cells":[{"place":"coccyx-priors/1","row":1,"column":1,"prior":false},{"place":"coccyx-priors/2","row":1,"column":2,"prior":false},{"place":"coccyx-priors/3","row":2,"column":1,"prior":true},{"place":"coccyx-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"thoracolumbar_spine-priors","title":"AP and lateral (thoracolumbar_spine), with prior","rows":2,"columns":2,"cells":[{"place":"thoracolumbar_spine-priors/1","row":1,"column":1,"prior":false},{"place":"thoracolumbar_spine-priors/2","row":1,"column":2,"prior":false},{"place":"thoracolumbar_spine-priors/3","row":2,"column":1,"prior":true},{"place":"thoracolumbar_spine-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"whole_spine-priors","title":"AP and lateral (whole_spine), with prior","rows":2,"columns":2,"cells":[{"place":"whole_spine-priors/1","row":1,"column":1,"prior":false},{"place":"whole_spine-priors/2","row":1,"column":2,"prior":false},{"place":"whole_spine-priors/3","row":2,"column":1,"prior":true},{"place":"whole_spine-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"neck_soft_tissue-priors","title":"AP and lateral (neck_soft_tissue), with prior","rows":2,"columns":2,"cells":[{"place":"neck_soft_tissue-priors/1","row":1,"column":1,"prior":false},{"place":"neck_soft_tissue-priors/2","row":1,"column":2,"prior":false},{"place":"neck_soft_tissue-priors/3","row":2,"column":1,"prior":true},{"place":"neck_soft_tissue-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"trachea-priors","title":"AP and lateral (trachea), with prior","rows":2,"columns":2,"cells":[{"place":"trachea-priors/1","row":1,"column":1,"prior":false},{"place":"trachea-priors/2","row":1,"column":2,"prior":false},{"place":"trachea-priors/3","row":2,"column":1,"prior":true},{"place":"trachea-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"elbow","title":"AP and lateral (elbow)","rows":1,"columns":2,"cells":[{"place":"elbow/1","row":1,"column":1,"prior":false},{"place":"elbow/2","row":1,"column":2,"prior":false}]},
    {"id":"wrist","title":"AP and lateral (wrist)","rows":1,"columns":2,"cells":[{"place":"wrist/1","row":1,"column":1,"prior":false},{"place":"wrist/2","row":1,"column":2,"prior":false}]},
    {"id":"knee","title":"AP and lateral (knee)","rows":1,"columns":2,"cells":[{"place":"knee/1","row":1,"column":1,"prior":false},{"place":"knee/2","row":1,"column":2,"prior":false}]},
    {"id":"ankle","title":"AP and lateral (ankle)","rows":1,"columns":2,"cells":[{"place":"ankle/1","row":1,"column":1,"prior":false},{"place":"ankle/2","row":1,"column":2,"prior":false}]},
    {"id":"finger","title":"AP and lateral (finger)","rows":1,"columns":2,"cells":[{"place":"finger/1","row":1,"column":1,"prior":false},{"place":"finger/2","row":1,"column":2,"prior":false}]},
    {"id":"femur","title":"AP and lateral (femur)","rows":1,"columns":2,"cells":[{"place":"femur/1","row":1,"column":1,"prior":false},{"place":"femur/2","row":1,"column":2,"prior":false}]},
    {"id":"lower_leg","title":"AP and lateral (lower_leg)","rows":1,"columns":2,"cells":[{"place":"lower_leg/1","row":1,"column":1,"prior":false},{"place":"lower_leg/2","row":1,"column":2,"prior":false}]},
    {"id":"toe","title":"AP and lateral (toe)","rows":1,"columns":2,"cells":[{"place":"toe/1","row":1,"column":1,"prior":false},{"place":"toe/2","row":1,"column":2,"prior":false}]},
    {"id":"humerus","title":"AP and lateral (humerus)","rows":1,"columns":2,"cells":[{"place":"humerus/1","row":1,"column":1,"prior":false},{"place":"humerus/2","row":1,"column":2,"prior":false}]},
    {"id":"forearm","title":"AP and lateral (forearm)","rows":1,"columns":2,"cells":[{"place":"forearm/1","row":1,"column":1,"prior":false},{"place":"forearm/2","row":1,"column":2,"prior":false}]},
    {"id":"thumb","title":"AP and lateral (thumb)","rows":1,"columns":2,"cells":[{"place":"thumb/1","row":1,"column":1,"prior":false},{"place":"thumb/2","row":1,"column":2,"prior":false}]},
    {"id":"scapula","title":"AP and lateral (scapula)","rows":1,"columns":2,"cells":[{"place":"scapula/1","row":1,"column":1,"prior":false},{"place":"scapula/2","row":1,"column":2,"prior":false}]},
    {"id":"leg_full_length","title":"AP and lateral (leg_full_length)","rows":1,"columns":2,"cells":[{"place":"leg_full_length/1","row":1,"column":1,"prior":false},{"place":"leg_full_length/2","row":1,"column":2,"prior":false}]},
    {"id":"skull","title":"AP and lateral (skull)","rows":1,"columns":2,"cells":[{"place":"skull/1","row":1,"column":1,"prior":false},{"place":"skull/2","row":1,"column":2,"prior":false}]},
    {"id":"sacrum","title":"AP and lateral (sacrum)","rows":1,"columns":2,"cells":[{"place":"sacrum/1","row":1,"column":1,"prior":false},{"place":"sacrum/2","row":1,"column":2,"prior":false}]},
    {"id":"coccyx","title":"AP and lateral (coccyx)","rows":1,"columns":2,"cells":[{"place":"coccyx/1","row":1,"column":1,"prior":false},{"place":"coccyx/2","row":1,"column":2,"prior":false}]},
    {"id":"thoracolumbar_spine","title":"AP and lateral (thoracolumbar_spine)","rows":1,"columns":2,"cells":[{"place":"thoracolumbar_spine/1","row":1,"column":1,"prior":false},{"place":"thoracolumbar_spine/2","row":1,"column":2,"prior":false}]},
    {"id":"whole_spine","title":"AP and lateral (whole_spine)","rows":1,"columns":2,"cells":[{"place":"whole_spine/1","row":1,"column":1,"prior":false},{"place":"whole_spine/2","row":1,"column":2,"prior":false}]},
    {"id":"neck_soft_tissue","title":"AP and lateral (neck_soft_tissue)","rows":1,"columns":2,"cells":[{"place":"neck_soft_tissue/1","row":1,"column":1,"prior":false},{"place":"neck_soft_tissue/2","row":1,"column":2,"prior":false}]},
    {"id":"trachea","title":"AP and lateral (trachea)","rows":1,"columns":2,"cells":[{"place":"trachea/1","row":1,"column":1,"prior":false},{"place":"trachea/2","row":1,"column":2,"prior":false}]},
    {"id":"calcaneus","title":"Calcaneus","rows":1,"columns":2,"cells":[{"place":"calcaneus/1","row":1,"column":1,"prior":false},{"place":"calcaneus/2","row":1,"column":2,"prior":false}]},
    {"id":"hand-wrist-finger","title":"Hand, wrist and finger","rows":2,"columns":3,"cells":[{"place":"hand-wrist-finger/1","row":1,"column":1,"prior":false},{"place":"hand-wrist-finger/2","row":1,"column":2,"prior":false},{"place":"hand-wrist-finger/3","row":1,"column":3,"prior":false},{"place":"hand-wrist-finger/4","row":2,"column":1,"prior":false},{"place":"hand-wrist-finger/5","row":2,"column":2,"prior":false},{"place":"hand-wrist-finger/6","row":2,"column":3,"prior":false}]},
    {"id":"hand-wrist","title":"Hand and wrist","rows":2,"columns":2,"cells":[{"place":"hand-wrist/1","row":1,"column":1,"prior":false},{"place":"hand-wrist/2","row":1,"column":2,"prior":false},{"place":"hand-wrist/3","row":2,"column":1,"prior":false},{"place":"hand-wrist/4","row":2,"column":2,"prior":false}]},
    {"id":"hand-finger","title":"Hand and finger","rows":2,"columns":2,"cells":[{"place":"hand-finger/1","row":1,"column":1,"prior":false},{"place":"hand-finger/2","row":1,"column":2,"prior":false},{"place":"hand-finger/3","row":2,"column":1,"prior":false},{"place":"hand-finger/4","row":2,"column":2,"prior":false}]},
    {"id":"hands-both","title":"Both sides (hand)","rows":2,"columns":2,"cells":[{"place":"hands-both/1","row":1,"column":1,"prior":false},{"place":"hands-both/2","row":1,"column":2,"prior":false},{"place":"hands-both/3","row":2,"column":1,"prior":false},{"place":"hands-both/4","row":2,"column":2,"prior":false}]},
    {"id":"foots-both","title":"Both sides (foot)","rows":2,"columns":2,"cells":[{"place":"foots-both/1","row":1,"column":1,"prior":false},{"place":"foots-both/2","row":1,"column":2,"prior":false},{"place":"foots-both/3","row":2,"column":1,"prior":false},{"place":"foots-both/4","row":2,"column":2,"prior":false}]},
    {"id":"hand-oblique-priors","title":"AP and oblique (hand), with prior","rows":2,"columns":2,"cells":[{"place":"hand-oblique-priors/1","row":1,"column":1,"prior":false},{"place":"hand-oblique-priors/2","row":1,"column":2,"prior":false},{"place":"hand-oblique-priors/3","row":2,"column":1,"prior":true},{"place":"hand-oblique-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"foot-oblique-priors","title":"AP and oblique (foot), with prior","rows":2,"columns":2,"cells":[{"place":"foot-oblique-priors/1","row":1,"column":1,"prior":false},{"place":"foot-oblique-priors/2","row":1,"column":2,"prior":false},{"place":"foot-oblique-priors/3","row":2,"column":1,"prior":true},{"place":"foot-oblique-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"hand-oblique","title":"AP and oblique (hand)","rows":1,"columns":2,"cells":[{"place":"hand-oblique/1","row":1,"column":1,"prior":false},{"place":"hand-oblique/2","row":1,"column":2,"prior":false}]},
    {"id":"foot-oblique","title":"AP and oblique (foot)","rows":1,"columns":2,"cells":[{"place":"foot-oblique/1","row":1,"column":1,"prior":false},{"place":"foot-oblique/2","row":1,"column":2,"prior":false}]},
    {"id":"shoulders","title":"Shoulders, both sides","rows":2,"columns":2,"cells":[{"place":"shoulders/1","row":1,"column":1,"prior":false},{"place":"shoulders/2","row":1,"column":2,"prior":false},{"place":"shoulders/3","row":2,"column":1,"prior":false},{"place":"shoulders/4","row":2,"column":2,"prior":false}]},
    {"id":"shoulder-priors","title":"Shoulder, with prior","rows":2,"columns":2,"cells":[{"place":"shoulder-priors/1","row":1,"column":1,"prior":false},{"place":"shoulder-priors/2","row":1,"column":2,"prior":false},{"place":"shoulder-priors/3","row":2,"column":1,"prior":true},{"place":"shoulder-priors/4","row":2,"column":2,"prior":true}]},
    {"id":"shoulder","title":"Shoulder","rows":1,"columns":2,"cells":[{"place":"shoulder/1","row":1,"column":1,"prior":false},{"place":"shoulder/2","row":1,"column":2,"prior":false}]},
    {"id":"elbow_ap-sides","title":"Right and left (elbow_ap)","rows":1,"columns":2,"cells":[{"place":"elbow_ap-sides/1","row":1,"column":1,"prior":false},{"place":"elbow_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"wrist_ap-sides","title":"Right and left (wrist_ap)","rows":1,"columns":2,"cells":[{"place":"wrist_ap-sides/1","row":1,"column":1,"prior":false},{"place":"wrist_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"hand_ap-sides","title":"Right and left (hand_ap)","rows":1,"columns":2,"cells":[{"place":"hand_ap-sides/1","row":1,"column":1,"prior":false},{"place":"hand_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"finger_ap-sides","title":"Right and left (finger_ap)","rows":1,"columns":2,"cells":[{"place":"finger_ap-sides/1","row":1,"column":1,"prior":false},{"place":"finger_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"knee_ap-sides","title":"Right and left (knee_ap)","rows":1,"columns":2,"cells":[{"place":"knee_ap-sides/1","row":1,"column":1,"prior":false},{"place":"knee_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"ankle_ap-sides","title":"Right and left (ankle_ap)","rows":1,"columns":2,"cells":[{"place":"ankle_ap-sides/1","row":1,"column":1,"prior":false},{"place":"ankle_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"foot_ap-sides","title":"Right and left (foot_ap)","rows":1,"columns":2,"cells":[{"place":"foot_ap-sides/1","row":1,"column":1,"prior":false},{"place":"foot_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"shoulder_ap-sides","title":"Right and left (shoulder_ap)","rows":1,"columns":2,"cells":[{"place":"shoulder_ap-sides/1","row":1,"column":1,"prior":false},{"place":"shoulder_ap-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"patella_axial-sides","title":"Right and left (patella_axial)","rows":1,"columns":2,"cells":[{"place":"patella_axial-sides/1","row":1,"column":1,"prior":false},{"place":"patella_axial-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"oblique_view_of_Lauenstein-sides","title":"Right and left (oblique_view_of_Lauenstein)","rows":1,"columns":2,"cells":[{"place":"oblique_view_of_Lauenstein-sides/1","row":1,"column":1,"prior":false},{"place":"oblique_view_of_Lauenstein-sides/2","row":1,"column":2,"prior":false}]},
    {"id":"chest_pa_ap-prior","title":"Current and prior (chest_pa_ap)","rows":1,"columns":2,"cells":[{"place":"chest_pa_ap-prior/1","row":1,"column":1,"prior":false},{"place":"chest_pa_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"abdomen_ap-prior","title":"Current and prior (abdomen_ap)","rows":1,"columns":2,"cells":[{"place":"abdomen_ap-prior/1","row":1,"column":1,"prior":false},{"place":"abdomen_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"pelvis_ap-prior","title":"Current and prior (pelvis_ap)","rows":1,"columns":2,"cells":[{"place":"pelvis_ap-prior/1","row":1,"column":1,"prior":false},{"place":"pelvis_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"cervical_spine_lateral-prior","title":"Current and prior (cervical_spine_lateral)","rows":1,"columns":2,"cells":[{"place":"cervical_spine_lateral-prior/1","row":1,"column":1,"prior":false},{"place":"cervical_spine_lateral-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"thoracic_spine_lateral-prior","title":"Current and prior (thoracic_spine_lateral)","rows":1,"columns":2,"cells":[{"place":"thoracic_spine_lateral-prior/1","row":1,"column":1,"prior":false},{"place":"thoracic_spine_lateral-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"lumbar_spine_lateral-prior","title":"Current and prior (lumbar_spine_lateral)","rows":1,"columns":2,"cells":[{"place":"lumbar_spine_lateral-prior/1","row":1,"column":1,"prior":false},{"place":"lumbar_spine_lateral-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"elbow_ap-prior","title":"Current and prior (elbow_ap)","rows":1,"columns":2,"cells":[{"place":"elbow_ap-prior/1","row":1,"column":1,"prior":false},{"place":"elbow_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"wrist_ap-prior","title":"Current and prior (wrist_ap)","rows":1,"columns":2,"cells":[{"place":"wrist_ap-prior/1","row":1,"column":1,"prior":false},{"place":"wrist_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"hand_ap-prior","title":"Current and prior (hand_ap)","rows":1,"columns":2,"cells":[{"place":"hand_ap-prior/1","row":1,"column":1,"prior":false},{"place":"hand_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"finger_ap-prior","title":"Current and prior (finger_ap)","rows":1,"columns":2,"cells":[{"place":"finger_ap-prior/1","row":1,"column":1,"prior":false},{"place":"finger_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"knee_ap-prior","title":"Current and prior (knee_ap)","rows":1,"columns":2,"cells":[{"place":"knee_ap-prior/1","row":1,"column":1,"prior":false},{"place":"knee_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"ankle_ap-prior","title":"Current and prior (ankle_ap)","rows":1,"columns":2,"cells":[{"place":"ankle_ap-prior/1","row":1,"column":1,"prior":false},{"place":"ankle_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"foot_ap-prior","title":"Current and prior (foot_ap)","rows":1,"columns":2,"cells":[{"place":"foot_ap-prior/1","row":1,"column":1,"prior":false},{"place":"foot_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"shoulder_ap-prior","title":"Current and prior (shoulder_ap)","rows":1,"columns":2,"cells":[{"place":"shoulder_ap-prior/1","row":1,"column":1,"prior":false},{"place":"shoulder_ap-prior/2","row":1,"column":2,"prior":true}]},
    {"id":"panoramic_radiograph-prior","title":"Current and prior (panoramic_radiograph)","rows":1,"columns":2,"cells":[{"place":"panoramic_radiograph-prior/1","row":1,"column":1,"prior":false},{"place":"panoramic_radiograph-prior/2","row":1,"column":2,"prior":true}]},
  ];
  // End of what is written.

  /** The longest time that the opening of a study waits for Plainview. */
  const answerTimeoutMs = 3000;
  /** After an answer that did not come in time, studies open without Plainview for so long, in all tabs. */
  const pauseMs = 60_000;
  const pausedUntil = 'plainview.pausedUntil';

  /** The hanging of the open study, as GET /api/v1/studies/{StudyInstanceUID}/hanging returns it. */
  let hanging;
  /** Modes whose own protocol is OHIF's default. Only in these does Plainview choose the protocol. */
  const defaultModes = new Set();

  const imagesOf = (displaySet) => displaySet.images ?? displaySet.instances ?? [];
  const cellsIn = (displaySet) => {
    const uids = imagesOf(displaySet).map(({ SOPInstanceUID }) => SOPInstanceUID);
    return (hanging?.cells ?? []).filter(({ sopInstanceUid }) => uids.includes(sopInstanceUid));
  };
  /** Plainview's entry for a display set of one picture. A stack of several pictures has no single category. */
  const entryOf = (displaySet) => {
    const [image, another] = imagesOf(displaySet);
    if (image === undefined || another !== undefined) return undefined;
    return hanging?.instances.find(({ sopInstanceUid }) => sopInstanceUid === image.SOPInstanceUID);
  };
  /** If the address names a picture, OHIF shows it first, as without Plainview. */
  const addressNamesPicture = () =>
    [...new URLSearchParams(window.location.search).keys()].some((name) =>
      ['initialseriesinstanceuid', 'initialsopinstanceuid'].includes(name.toLowerCase()),
    );

  const attributes = {
    /** Of a study: the protocol that hangs it, as soon as all its pictures are loaded. */
    plainviewProtocol: (study, { displaySets = [] } = {}) => {
      if (hanging?.studyInstanceUid !== study?.StudyInstanceUID || addressNamesPicture()) return undefined;
      const loadedCells = displaySets.flatMap(cellsIn);
      return hanging?.cells.every((cell) => loadedCells.includes(cell)) ? hanging.protocol?.id : undefined;
    },
    /** Of a display set: the places of its pictures, each in brackets. */
    plainviewPlaces: (displaySet) =>
      cellsIn(displaySet)
        .map(({ place }) => `[${place}]`)
        .join(''),
    plainviewCategory: (displaySet) => entryOf(displaySet)?.category,
    plainviewSide: (displaySet) => entryOf(displaySet)?.laterality,
    plainviewScore: (displaySet) => entryOf(displaySet)?.score,
    plainviewState: (displaySet) => entryOf(displaySet)?.state,
    plainviewTurned: (displaySet) => entryOf(displaySet)?.turned,
    plainviewMirrored: (displaySet) => entryOf(displaySet)?.mirrored,
    /** Of a viewport: the picture of a stack that it shows first. */
    plainviewImage([displaySet]) {
      if (displaySet === undefined) return undefined;
      const cell = cellsIn(displaySet).find(({ place }) => place === this.place);
      const index = imagesOf(displaySet).findIndex(
        ({ SOPInstanceUID }) => SOPInstanceUID === cell?.sopInstanceUid,
      );
      return index === -1 ? undefined : { index };
    },
  };

  /** A protocol in the form of OHIF's hanging protocol service. Plainview's answer places the pictures. */
  const ohifProtocol = ({ id, title, rows, columns, cells }) => ({
    id: `plainview.${id}`,
    name: title,
    // A higher weight than any protocol that matches by tags.
    protocolMatchingRules: [rule('plainviewProtocol', { equals: { value: id } }, 1000)],
    // −1: no priors.
    numberOfPriorsReferenced: cells.some(({ prior }) => prior) ? 1 : -1,
    displaySetSelectors: {
      any: { seriesMatchingRules: [rule('numImageFrames', { greaterThan: { value: 0 } }, 1)] },
      ...Object.fromEntries(
        cells.map(({ place }) => [
          place,
          { seriesMatchingRules: [rule('plainviewPlaces', { contains: { value: `[${place}]` } }, 1)] },
        ]),
      ),
    },
    // A viewport that a person adds with the layout tool starts with a picture that is not shown yet.
    defaultViewport: { ...viewport(undefined), displaySets: [{ id: 'any', matchedDisplaySetsIndex: -1 }] },
    stages: [
      {
        name: title,
        stageActivation: { enabled: { minViewportsMatched: cells.length } },
        viewportStructure: { layoutType: 'grid', properties: { rows, columns } },
        viewports: Array.from({ length: rows * columns }, (_, index) =>
          viewport(cells.find(({ row, column }) => (row - 1) * columns + column - 1 === index)),
        ),
      },
    ],
  });
  const rule = (attribute, constraint, weight) => ({ attribute, constraint, weight, required: true });
  const viewport = (cell) => ({
    viewportOptions: {
      toolGroupId: 'default',
      viewportType: 'stack',
      // A person may drop any picture into the viewport.
      allowUnmatchedView: true,
      ...(cell && { initialImageOptions: { custom: 'plainviewImage', place: cell.place } }),
    },
    displaySets: cell ? [{ id: cell.place }] : [],
  });

  async function requestHanging(studyInstanceUid, { priors, headers }) {
    const base = new URL(
      (window.config.routerBasename ?? '/ohif/').replace(/\/*$/, '/'),
      window.location.origin,
    );
    const url = new URL(`../plainview/api/v1/studies/${studyInstanceUid}/hanging?priors=${priors}`, base);
    const pause = Number(window.localStorage.getItem(pausedUntil)) - Date.now();
    // A longer one means that the clock was changed.
    if (pause > 0 && pause <= pauseMs)
      throw new Error('it did not answer in time, and is asked again after a minute');
    const response = await fetch(url, {
      // Orthanc does not hand over a query as it was sent. So Plainview's plugin reads it from this header.
      headers: { ...headers, 'x-plainview-query': url.search.slice(1) },
      signal: AbortSignal.timeout(answerTimeoutMs),
    }).catch((error) => {
      if (error.name === 'TimeoutError')
        window.localStorage.setItem(pausedUntil, String(Date.now() + pauseMs));
      throw error;
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const received = await response.json();
    if (!Array.isArray(received.cells) || !Array.isArray(received.instances))
      throw new Error('the answer does not have the form of a hanging');
    if (!received.protocol || protocols.some(({ id }) => id === received.protocol.id)) return received;
    console.warn(
      `This file does not contain Plainview's protocol ${received.protocol.id}. Write it again with \`plainview ohif\`.`,
    );
    return { ...received, protocol: undefined, cells: [], priorStudyInstanceUid: undefined };
  }

  /** @returns true also if the data source cannot tell */
  async function hasRadiographs(source, study) {
    try {
      const series = await source.query.series.search(study);
      return series.length === 0 || series.some(({ modality }) => modalities.includes(modality));
    } catch {
      return true;
    }
  }

  /** Makes a data source request the hanging before it opens studies, and open the prior with the study. */
  function withPlainview(source, { appConfig, servicesManager }) {
    const { initialize, getStudyInstanceUIDs } = source;
    /** @returns undefined without one study to open (in the list of studies), without radiographs, or if Plainview does not answer */
    const hangingFor = async (opening) => {
      try {
        const [study, another] = getStudyInstanceUIDs(opening) ?? [];
        if (typeof study !== 'string' || study === '' || !(await hasRadiographs(source, study)))
          return undefined;
        // No prior is added if the person opens several studies, or with OHIF's DICOM JSON source, which has only one.
        const priors = another === undefined && !opening.query?.get?.('url');
        const headers = servicesManager.services.userAuthenticationService?.getAuthorizationHeader?.() ?? {};
        return await requestHanging(study, { priors, headers });
      } catch (error) {
        console.warn(
          'Plainview returned no hanging for this study, so OHIF uses its default:',
          error.message,
        );
        return undefined;
      }
    };
    source.initialize = async (opening) => {
      const result = await initialize(opening);
      hanging = await hangingFor(opening);
      // A mode with only one protocol would never use Plainview's. Without a protocol of Plainview, the mode keeps its own.
      for (const mode of appConfig.loadedModes ?? []) {
        if (mode.hangingProtocol === 'default') defaultModes.add(mode);
        if (defaultModes.has(mode))
          mode.hangingProtocol = hanging?.protocol
            ? [`plainview.${hanging.protocol.id}`, 'default']
            : 'default';
      }
      return result;
    };
    source.getStudyInstanceUIDs = (opening) => {
      const studies = getStudyInstanceUIDs(opening);
      const isOurs = studies?.length === 1 && studies[0] === hanging?.studyInstanceUid;
      return isOurs && hanging.priorStudyInstanceUid ? [...studies, hanging.priorStudyInstanceUid] : studies;
    };
  }

  /**
   * OHIF expects coordinates of every measurement, and fails with a report about whole pictures. So Plainview's reports
   * are shown as text, those of the series below one another. OHIF's text can show neither images nor items without a name.
   */
  function showAsText(displaySet) {
    const { instances = [] } = displaySet;
    const [first, another] = instances;
    if (displaySet.Modality !== 'SR' || !instances.every(({ Manufacturer }) => Manufacturer === 'Plainview'))
      return;
    displaySet.isImagingMeasurementReport = false;
    const content = another === undefined ? first.ContentSequence : instances;
    // Other parts of the viewer share the instance and the array.
    displaySet.instances = [{ ...first, ContentSequence: textOf(content) }, ...instances.slice(1)];
  }
  const textOf = (content) =>
    [content ?? []]
      .flat()
      .filter((item) => item.ValueType !== 'IMAGE' && item.ConceptNameCodeSequence !== undefined)
      .map((item) =>
        item.ValueType === 'CONTAINER' ? { ...item, ContentSequence: textOf(item.ContentSequence) } : item,
      );

  const plainview = {
    id: 'plainview',
    preRegistration({ servicesManager, extensionManager, appConfig }) {
      const { hangingProtocolService, displaySetService } = servicesManager.services;
      displaySetService.subscribe(displaySetService.EVENTS.DISPLAY_SETS_ADDED, ({ displaySetsAdded }) =>
        displaySetsAdded.forEach(showAsText),
      );
      for (const [name, callback] of Object.entries(attributes))
        hangingProtocolService.addCustomAttribute(name, name, callback);
      for (const { sourceName } of appConfig.dataSources ?? [])
        for (const source of extensionManager.getDataSources(sourceName) ?? [])
          withPlainview(source, { appConfig, servicesManager });
    },
    getHangingProtocolModule: () =>
      protocols.map(ohifProtocol).map((protocol) => ({ name: protocol.id, protocol })),
  };

  window.config = {
    extensions: [plainview],
    modes: [],
    customizationService: {},
    showStudyList: true,
    maxNumberOfWebWorkers: 3,
    omitQuotationForMultipartRequest: true,
    showWarningMessageForCrossOrigin: true,
    showCPUFallbackMessage: true,
    showLoadingIndicator: true,
    strictZSpacingForVolumeViewport: true,
    maxNumRequests: { interaction: 100, thumbnail: 75, prefetch: 25 },
  };
})();
